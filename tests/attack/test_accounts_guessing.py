"""Guessing passwords and names: per account, per source, by what is answered and by how long it takes."""

import asyncio
import time

import pytest
from tests.support.account_client import PASSWORD, Answer, log_in, make_account
from tests.support.live import Live, Starter
from tests.support.statistics import superiority

from conclave.edge.hashing import PasswordWorkers
from conclave.identity.passwords import WrongPassword

WRONG = "wrong password"
ROUNDS = 60
INDISTINCT = (0.25, 0.75)
"""Under the null hypothesis the statistic of 60 against 60 has a deviation of 0.053: this is 4.7 deviations."""


def shown(answer: Answer) -> tuple[int, str, tuple[str, ...]]:
    """Return all that a guesser can see of an answer."""
    return answer.status, str(answer.body), tuple(sorted(set(answer.headers)))


async def test_the_sixth_guess_at_one_account_is_not_looked_at(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    answers = [await log_in(live, "ada", f"guess number {number}") for number in range(5)]
    answers.append(await log_in(live))
    assert {shown(answer) for answer in answers} == {shown(answers[0])}
    assert "Retry-After" not in answers[-1].headers


async def test_guesses_at_once_are_no_way_around_the_limit(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    guesses = ["wrong"] * 10 + [PASSWORD] + ["wrong"] * 5
    answers = await asyncio.gather(*(log_in(live, "ada", guess) for guess in guesses))
    assert [answer.status for answer in answers].count(200) == 0


async def test_other_spellings_of_a_name_share_its_lock(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    for name in ("ada", "ADA", "Ada ", "ＡＤＡ", "aDa"):
        await log_in(live, name, "wrong")
    assert (await log_in(live)).status == 401


async def test_names_that_do_not_exist_are_locked_like_others(start: Starter) -> None:
    live = await start()
    for _ in range(7):
        assert (await log_in(live, "nobody")).status == 401


async def test_one_password_over_many_accounts_locks_the_source(start: Starter) -> None:
    live = await start({"accounts": {"lock_failures_per_source": 12}})
    await make_account(live, password=PASSWORD)
    statuses = [(await log_in(live, f"user{number}", PASSWORD)).status for number in range(14)]
    assert statuses == [401] * 12 + [429] * 2
    refused = [await log_in(live, name) for name in ("ada", "nobody")]
    assert [answer.status for answer in refused] == [429] * 2
    assert all(890 <= int(answer.headers["Retry-After"]) <= 900 for answer in refused)
    live.server.clock.shift_s += 600  # type: ignore[attr-defined]
    assert int((await log_in(live)).headers["Retry-After"]) <= 300
    live.server.clock.shift_s += 301  # type: ignore[attr-defined]
    assert (await log_in(live)).status == 200


async def test_ones_own_account_does_not_wash_a_source(start: Starter) -> None:
    live = await start({"accounts": {"lock_failures_per_source": 12}})
    await make_account(live, password=PASSWORD)
    statuses = []
    for number in range(14):
        await log_in(live)
        statuses.append((await log_in(live, f"user{number}", PASSWORD)).status)
    assert statuses == [401] * 12 + [429] * 2


async def test_a_lock_ends_after_fifteen_minutes_and_others_never_saw_it(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    await make_account(live, "eve", password=PASSWORD)
    for _ in range(5):
        await log_in(live, "ada", "wrong")
    assert (await log_in(live, "eve")).status == 200
    live.server.clock.shift_s += 899  # type: ignore[attr-defined]
    assert (await log_in(live)).status == 401
    live.server.clock.shift_s += 2  # type: ignore[attr-defined]
    assert (await log_in(live)).status == 200


async def timed(live: Live, username: str, password: str = WRONG) -> float:
    started = time.perf_counter()
    assert (await log_in(live, username, password)).status == 401
    return time.perf_counter() - started


async def test_time_does_not_tell_who_exists(start: Starter) -> None:
    live = await start({"accounts": {"lock_failures": 100, "lock_failures_per_source": 100_000}})
    await make_account(live, "known", password=PASSWORD)
    await make_account(live, "quiet", password=PASSWORD, active=False)
    await timed(live, "warm-up")
    known, unknown, inactive = [], [], []
    for number in range(ROUNDS):
        known.append(await timed(live, "known"))
        unknown.append(await timed(live, f"nobody{number}"))
        inactive.append(await timed(live, "quiet", PASSWORD))
    low, high = INDISTINCT
    assert low < superiority(known, unknown) < high
    assert low < superiority(inactive, unknown) < high


async def test_time_does_not_tell_that_a_guess_at_a_locked_account_is_right(start: Starter) -> None:
    live = await start({"accounts": {"lock_failures": 1, "lock_failures_per_source": 100_000}})
    await make_account(live, "locked", password=PASSWORD)
    await timed(live, "locked")
    right, wrong = [], []
    for _ in range(ROUNDS):
        right.append(await timed(live, "locked", PASSWORD))
        wrong.append(await timed(live, "locked"))
    low, high = INDISTINCT
    assert low < superiority(right, wrong) < high


async def test_the_measurement_would_see_a_hash_that_is_left_out(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    live = await start({"accounts": {"lock_failures": 100, "lock_failures_per_source": 100_000}})
    await make_account(live, "known", password=PASSWORD)
    honest = PasswordWorkers.verify

    async def careless(self: PasswordWorkers, stored: str | None, password: str) -> str | None:
        if stored is None:
            raise WrongPassword
        return await honest(self, stored, password)

    monkeypatch.setattr(PasswordWorkers, "verify", careless)
    known, unknown = [], []
    for number in range(20):
        known.append(await timed(live, "known"))
        unknown.append(await timed(live, f"nobody{number}"))
    assert superiority(known, unknown) > INDISTINCT[1]
