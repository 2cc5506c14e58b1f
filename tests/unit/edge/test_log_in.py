import asyncio
from pathlib import Path

import pytest
from tests.support.account_client import PASSWORD, log_in, make_account
from tests.support.live import Live, Starter

from conclave.edge.log_in import WAITING_PER_NAME, WRONG
from conclave.model.accounts import SystemRole
from conclave.model.errors import Refused, Unavailable


async def hash_of(live: Live, username: str = "ada") -> str:
    account = await live.server.accounts.stores.accounts.by_username(username)
    assert account is not None
    return account.password_hash


async def test_the_right_password_logs_in_by_any_spelling_of_the_name(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    for name in ("ada", "Ada", "ＡＤＡ", " ada "):
        assert (await log_in(live, name)).status == 200


async def test_every_failure_is_the_same_answer(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    await make_account(live, "gone", password=PASSWORD, active=False)
    await make_account(live, "hashless")
    answers = [
        await log_in(live, "ada", "wrong password"), await log_in(live, "nobody"), await log_in(live, "gone"),
        await log_in(live, "hashless"), await log_in(live, "\0"), await log_in(live, "x" * 256),
    ]  # fmt: skip
    assert {(answer.status, str(answer.body)) for answer in answers} == {(401, str(answers[0].body))}
    assert answers[0].body["detail"] == WRONG
    assert {tuple(sorted(answer.headers.items() - {("Date", answer.headers["Date"])})) for answer in answers} == {
        tuple(sorted(answers[0].headers.items() - {("Date", answers[0].headers["Date"])}))
    }


async def test_every_attempt_costs_one_hash_whoever_is_tried(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    passwords = live.server.accounts.workers.passwords
    for name in ("ada", "nobody", *["ada"] * 6):
        before = passwords.operations
        await log_in(live, name, "wrong password")
        assert passwords.operations == before + 1


async def test_a_locked_account_refuses_also_the_right_password(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    answers = [await log_in(live, "ada", "wrong password") for _ in range(5)]
    locked = await log_in(live)
    assert locked.status == 401
    assert locked.body == answers[0].body


async def test_a_lock_outlasts_a_restart(start: Starter, tmp_path: Path) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    for _ in range(5):
        await log_in(live, "ada", "wrong password")
    settings = live.server.settings
    await live.stop()
    again = await Live.start(Path(settings.state.directory).parent)
    try:
        assert (await log_in(again)).status == 401
    finally:
        await again.stop()


async def test_an_old_hash_is_replaced_at_log_in(start: Starter) -> None:
    from base64 import b64encode
    from hashlib import pbkdf2_hmac

    live = await start()
    account = await make_account(live, role=SystemRole.VIEWER)
    digest = b64encode(pbkdf2_hmac("sha256", PASSWORD.encode(), b"s", 1_000)).decode()
    await live.server.accounts.stores.accounts.set_password(
        account.user_id, f"pbkdf2_sha256$1000$s${digest}", replaces=account.password_hash, new_epoch=False
    )
    assert (await log_in(live, "ada", "wrong password")).status == 401
    assert (await hash_of(live)).startswith("pbkdf2")
    assert (await log_in(live)).status == 200
    assert (await hash_of(live)).startswith("$argon2id$")
    assert (await log_in(live)).status == 200


async def test_failures_are_on_record_without_names_and_addresses(start: Starter) -> None:
    live = await start()
    await log_in(live, "ada.lovelace", "wrong password")
    text = (Path(live.server.settings.state.directory) / "audit.jsonl").read_text()
    assert "login_refused" in text
    for word in ("lovelace", "wrong password", "127.0.0.1"):
        assert word not in text


async def test_when_the_store_fails_nobody_is_locked_for_it(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    accounts = live.server.accounts.stores.accounts

    async def fail(_: str) -> None:
        raise Unavailable("store", "gone")

    with monkeypatch.context() as patched:
        patched.setattr(accounts, "by_username", fail)
        for _ in range(6):
            assert (await log_in(live)).status == 503
    assert (await log_in(live)).status == 200


async def test_many_log_ins_at_once_with_the_right_password_all_succeed(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    answers = await asyncio.gather(*(log_in(live) for _ in range(12)))
    assert [answer.status for answer in answers] == [200] * 12


async def test_more_log_ins_than_may_wait_are_refused_for_now(start: Starter) -> None:
    live = await start({"accounts": {"hash_workers": 1, "hash_queue": 2}})
    await make_account(live, password=PASSWORD)
    statuses = [answer.status for answer in await asyncio.gather(*(log_in(live) for _ in range(12)))]
    assert set(statuses) == {200, 503}
    assert (await log_in(live)).status == 200


async def test_neither_one_name_nor_one_network_takes_every_place(start: Starter) -> None:
    live = await start({"accounts": {"hash_workers": 1, "hash_queue": 39}})
    desk = live.server.accounts.log_in
    names = [f"user{number}" for number in range(30)]

    async def outcome(name: str, source: bytes) -> str:
        try:
            await desk.verify(name, "wrong password", source)
        except (Refused, Unavailable) as error:
            return type(error).__name__
        return "in"

    by_name = [outcome("ada", bytes([number])) for number in range(WAITING_PER_NAME + 4)]
    by_source = [outcome(name, b"one") for name in names]
    ended = await asyncio.gather(*by_name, *by_source, outcome("eve", b"other"))
    assert ended[: len(by_name)].count("Unavailable") == 4
    assert ended[len(by_name) : -1].count("Unavailable") == len(names) - 20
    assert ended[-1] == "Refused"
