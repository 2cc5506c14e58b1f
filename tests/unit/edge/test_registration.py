from collections.abc import Awaitable, Callable

import pytest
from tests.support.account_client import PASSWORD, call, log_in, make_account, token_of
from tests.support.live import Live, Starter

from conclave.edge.hashing import PasswordWorkers
from conclave.model.accounts import Account, SystemRole

OPEN = {"accounts": {"registration": "open"}}
INVITED = {"accounts": {"registration": "invited"}}


async def register(
    live: Live, username: str = "eve", password: str = PASSWORD, **fields: object
) -> tuple[int, dict[str, object]]:
    answer = await call(live, "POST", "/auth/register", {"username": username, "password": password, **fields})
    return answer.status, answer.body


async def registration(live: Live, role: SystemRole = SystemRole.VIEWER) -> str:
    root = await make_account(live, "root", SystemRole.ADMIN)
    answer = await call(live, "POST", "/registrations", {"role": role.value}, token=await token_of(live, root))
    assert answer.status == 201
    return str(answer.body["token"])


async def test_registration_is_closed_unless_it_is_opened(start: Starter) -> None:
    live = await start()
    status, body = await register(live)
    assert (status, body["code"]) == (403, "forbidden")
    token = await registration(live)
    assert (await register(live, registration=token))[0] == 403


async def test_where_it_is_open_everybody_becomes_a_user(start: Starter) -> None:
    live = await start(OPEN)
    status, body = await register(live, "Eve", email="Eve@Example.org")
    assert (status, body["username"], body["email"], body["role"]) == (201, "eve", "eve@example.org", "user")
    assert (await log_in(live, "EVE")).status == 200


@pytest.mark.parametrize("field", ["role", "active", "grants", "user_id", "permissions"])
async def test_nobody_registers_with_rights_of_his_own_choice(start: Starter, field: str) -> None:
    live = await start(OPEN)
    assert (await register(live, **{field: "admin"}))[0] == 400


async def test_the_invited_register_once_with_the_role_of_their_token(start: Starter) -> None:
    live = await start(INVITED)
    assert (await register(live))[0] == 403
    assert (await register(live, registration="x.y.z"))[0] == 403
    token = await registration(live)
    status, body = await register(live, registration=token)
    assert (status, body["role"]) == (201, "viewer")
    assert (await register(live, "mallory", registration=token))[0] == 403


async def test_a_refused_attempt_does_not_spend_the_token(start: Starter) -> None:
    live = await start(INVITED)
    token = await registration(live)
    assert (await register(live, password="short", registration=token))[0] == 400
    assert (await register(live, "root", registration=token))[0] == 409
    assert (await register(live, registration=token))[0] == 201


async def deactivate(live: Live, root: Account) -> None:
    second = await token_of(live, await make_account(live, "second", SystemRole.ADMIN))
    assert (await call(live, "PATCH", f"/users/{root.user_id}", {"active": False}, token=second)).status == 200


async def demote(live: Live, root: Account) -> None:
    second = await token_of(live, await make_account(live, "second", SystemRole.ADMIN))
    assert (await call(live, "PATCH", f"/users/{root.user_id}", {"role": "user"}, token=second)).status == 200


async def sign_out_everywhere(live: Live, root: Account) -> None:
    assert (await call(live, "POST", "/auth/logout-all", token=await token_of(live, root))).status == 204


@pytest.mark.parametrize("end", [deactivate, demote, sign_out_everywhere])
async def test_the_leave_of_one_who_may_give_none_any_more_is_void(
    start: Starter, end: Callable[[Live, Account], Awaitable[None]]
) -> None:
    live = await start(INVITED)
    root = await make_account(live, "root", SystemRole.ADMIN)
    offer = await call(live, "POST", "/registrations", {"role": "admin"}, token=await token_of(live, root))
    await end(live, root)
    assert (await register(live, "back", registration=offer.body["token"]))[0] == 403


async def test_what_ends_while_a_hash_is_waited_for_ends_the_registration(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await start(INVITED)
    root = await make_account(live, "root", SystemRole.ADMIN)
    offer = await call(live, "POST", "/registrations", {"role": "admin"}, token=await token_of(live, root))
    hashed = PasswordWorkers.hash

    async def overtaken(workers: PasswordWorkers, password: str) -> str:
        await live.server.accounts.desk.end_all(root.user_id)
        return await hashed(workers, password)

    with monkeypatch.context() as slow:
        slow.setattr(PasswordWorkers, "hash", overtaken)
        assert (await register(live, "back", registration=offer.body["token"]))[0] == 403
    assert await live.server.accounts.stores.accounts.by_username("back") is None


async def test_a_taken_name_is_told_and_an_address_never(start: Starter) -> None:
    live = await start(OPEN)
    assert (await register(live, email="one@example.org"))[0] == 201
    status, body = await register(live, "EVE")
    assert (status, body["code"]) == (409, "conflict")
    assert (await register(live, "other", email="one@example.org"))[0] == 201


@pytest.mark.parametrize(
    ("username", "password"),
    [("e ve", PASSWORD), ("", PASSWORD), ("eve", "short"), ("eve", "password1234"), ("eve.the.evil", "eve.the.evil")],
)
async def test_bad_names_and_passwords_are_refused(start: Starter, username: str, password: str) -> None:
    live = await start(OPEN)
    assert (await register(live, username, password))[0] == 400


async def test_a_network_registers_a_few_and_no_more(start: Starter) -> None:
    live = await start({"accounts": {"registration": "open", "registrations_per_hour_per_source": 2}})
    assert [(await register(live, f"user{number}"))[0] for number in range(3)] == [201, 201, 429]
