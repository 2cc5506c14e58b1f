import os
import threading
from pathlib import Path

import msgspec
import pytest
from tests.support.account_client import PASSWORD, call, log_in, make_account
from tests.support.live import Live, Starter, settings_in

from conclave.app.accounts import concerns, lockout_limits
from conclave.app.server import Server
from conclave.config.settings import AccountSettings
from conclave.identity.access_tokens import AccessClaims
from conclave.identity.invitations import Claims
from conclave.model.accounts import Revocation, RevocationKind, SignInId, UserId
from conclave.model.roles import Role
from conclave.store.database import StoreError

CLAIMS = AccessClaims(
    iss="i", aud="a", iat=0, exp=1, jti="j", sub=UserId("u"), username="n", email="", roles=[], permissions=[], type="access",
    sid=SignInId("s"), epoch=3,
)  # fmt: skip
GUEST = Claims(sub="m" * 16, role=Role.VIEWER, jti="g" * 16, iat=0, nbf=0, exp=1)


async def test_accounts_and_sign_ins_survive_a_restart(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    body = (await log_in(live)).body
    directory = Path(live.server.settings.state.directory).parent
    await live.stop()
    again = await Live.start(directory)
    try:
        assert (await call(again, "GET", "/me", token=body["access_token"])).status == 200
        assert (await call(again, "POST", "/auth/refresh", {"refresh_token": body["refresh_token"]})).status == 200
    finally:
        await again.stop()


async def test_a_database_that_cannot_be_opened_refuses_the_start_and_leaves_nothing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, {"store": {"url": "mysql://x/y"}})
    before, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    with pytest.raises(StoreError):
        await Server(settings).start()
    assert len(os.listdir("/proc/self/fd")) == before
    assert threading.active_count() == threads


async def test_what_is_over_leaves_the_store_while_the_server_runs(start: Starter) -> None:
    live = await start()
    accounts = live.server.accounts
    await make_account(live, password=PASSWORD)
    sign_in_id = (await log_in(live)).body["sign_in_id"]
    await log_in(live, password="wrong password")
    await accounts.desk.end(SignInId("s" * 16))
    wall = live.server.clock.wall()
    live.server.clock.shift_s += 31 * 86_400  # type: ignore[attr-defined]
    await accounts.tidy()
    assert await accounts.stores.sign_ins.by_id(sign_in_id) is None
    assert not await accounts.stores.token_revocations.is_kept(RevocationKind.SIGN_IN, "s" * 16)
    assert list(await accounts.stores.attempts.kept(wall - 1)) == []


@pytest.mark.parametrize(
    ("revocation", "expected"),
    [
        (Revocation(RevocationKind.TOKEN, "j", 1), True), (Revocation(RevocationKind.TOKEN, "s", 1), False),
        (Revocation(RevocationKind.SIGN_IN, "s", 1), True), (Revocation(RevocationKind.SIGN_IN, "u", 1), False),
        (Revocation(RevocationKind.USER, "u", 1, 4), True), (Revocation(RevocationKind.USER, "u", 1, 3), False),
        (Revocation(RevocationKind.USER, "x", 1, 9), False),
    ],
)  # fmt: skip
def test_a_revocation_concerns_whom_it_names(revocation: Revocation, expected: bool) -> None:
    assert concerns(revocation, GUEST, CLAIMS) is expected
    assert not concerns(revocation, GUEST, None)


@pytest.mark.parametrize(
    ("revocation", "expected"),
    [
        (Revocation(RevocationKind.USER, "a" * 16, 1, 4), True), (Revocation(RevocationKind.USER, "a" * 16, 1, 3), False),
        (Revocation(RevocationKind.USER, "b" * 16, 1, 9), False), (Revocation(RevocationKind.SIGN_IN, "a" * 16, 1), False),
        (Revocation(RevocationKind.TOKEN, GUEST.jti, 1), False),
    ],
)  # fmt: skip
def test_a_revocation_concerns_also_who_came_by_an_own_link(revocation: Revocation, expected: bool) -> None:
    assert concerns(revocation, msgspec.structs.replace(GUEST, account="a" * 16, epoch=3), None) is expected


def test_the_limits_of_the_settings_reach_the_lockout() -> None:
    limits = lockout_limits(AccountSettings(lock_failures=3, lock_s=60, lock_failures_per_source=9))
    assert (limits.failures, limits.lock_s, limits.window_s, limits.failures_per_source) == (3, 60, 60, 9)
