import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.support.account_client import make_account
from tests.support.live import Live, Starter

from conclave.edge import token_desk
from conclave.edge.token_desk import TokenDesk
from conclave.identity.revocations import Revocations
from conclave.model.accounts import SignInKind, SystemRole
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.store.schema import ACCOUNTS


def desk_of(live: Live) -> TokenDesk:
    return live.server.accounts.desk


async def test_a_spent_refresh_token_ends_the_family(start: Starter) -> None:
    live = await start()
    desk = desk_of(live)
    first = await desk.begin(await make_account(live), SignInKind.TOKENS)
    assert first.refresh_token is not None
    second = await desk.refresh(first.refresh_token)
    assert second.refresh_token is not None
    with pytest.raises(Refused):
        await desk.refresh(first.refresh_token)
    with pytest.raises(Refused):
        await desk.refresh(second.refresh_token)
    for token in (first.access_token, second.access_token):
        with pytest.raises(Refused):
            desk.access.verify(token, live.server.clock.wall())
    text = (Path(live.server.settings.state.directory) / "audit.jsonl").read_text()
    assert "refresh_token_reused" in text


async def test_of_two_uses_at_once_at_most_one_gets_tokens_and_the_family_ends(start: Starter) -> None:
    live = await start()
    desk = desk_of(live)
    first = await desk.begin(await make_account(live), SignInKind.TOKENS)
    assert first.refresh_token is not None
    outcomes = await asyncio.gather(*(desk.refresh(first.refresh_token) for _ in range(4)), return_exceptions=True)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) <= 1
    assert await live.server.accounts.stores.sign_ins.by_id(first.sign_in_id) is None


async def test_revocations_are_in_force_after_a_restart(start: Starter) -> None:
    live = await start()
    account = await make_account(live)
    desk = desk_of(live)
    ended, kept = await desk.begin(account, SignInKind.TOKENS), await desk.begin(account, SignInKind.TOKENS)
    single = desk.access.issue(account, kept.sign_in_id, live.server.clock.wall())
    await desk.end(ended.sign_in_id)
    await desk.revoke(single, account.user_id)
    directory = Path(live.server.settings.state.directory).parent
    await live.stop()
    again = await Live.start(directory)
    try:
        access = desk_of(again).access
        for token in (ended.access_token, single):
            with pytest.raises(Refused):
                access.verify(token, again.server.clock.wall())
        access.verify(kept.access_token, again.server.clock.wall())
    finally:
        await again.stop()


async def test_nobody_revokes_anothers_token(start: Starter) -> None:
    live = await start()
    ada, eve = await make_account(live), await make_account(live, "eve")
    desk = desk_of(live)
    begun = await desk.begin(ada, SignInKind.TOKENS)
    for token in (begun.access_token, begun.refresh_token, "x.y.z"):
        assert token is not None
        with pytest.raises(Refused):
            await desk.revoke(token, eve.user_id)
    desk.access.verify(begun.access_token, live.server.clock.wall())


async def test_an_inactive_account_refreshes_nothing(start: Starter) -> None:
    live = await start()
    desk = desk_of(live)
    await make_account(live, "root", SystemRole.ADMIN)
    account = await make_account(live)
    begun = await desk.begin(account, SignInKind.TOKENS)
    assert begun.refresh_token is not None
    await live.server.accounts.stores.accounts.change(account.user_id, active=False)
    with pytest.raises(Refused):
        await desk.refresh(begun.refresh_token)


async def test_one_deactivated_behind_our_back_refreshes_nothing(start: Starter) -> None:
    live = await start()
    begun = await desk_of(live).begin(await make_account(live), SignInKind.TOKENS)
    assert begun.refresh_token is not None
    async with live.server.accounts.stores.database.writing() as connection:
        await connection.execute(update(ACCOUNTS).values(active=False))
    with pytest.raises(Refused):
        await desk_of(live).refresh(begun.refresh_token)


async def test_an_account_that_changed_since_it_was_read_is_not_signed_in(start: Starter) -> None:
    live = await start()
    account = await make_account(live)
    await desk_of(live).end_all(account.user_id)
    with pytest.raises(Refused) as caught:
        await desk_of(live).begin(account, SignInKind.TOKENS)
    assert caught.value.code is ErrorCode.CONFLICT


async def test_the_sign_in_that_makes_room_takes_its_tokens_along(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_desk, "SIGN_INS_PER_ACCOUNT", 2)
    live = await start()
    desk, account = desk_of(live), await make_account(live)
    oldest, *others = [await desk.begin(account, SignInKind.TOKENS) for _ in range(3)]
    with pytest.raises(Refused):
        desk.access.verify(oldest.access_token, live.server.clock.wall())
    for begun in others:
        desk.access.verify(begun.access_token, live.server.clock.wall())


async def test_a_sign_in_ends_also_when_no_more_revocations_can_be_kept(start: Starter) -> None:
    live = await start()
    desk, revocations = desk_of(live), Revocations(0)
    desk.access.revocations._sign_ins = revocations
    begun = await desk.begin(await make_account(live), SignInKind.TOKENS)
    with pytest.raises(Unavailable):
        await desk.end(begun.sign_in_id)
    assert begun.refresh_token is not None
    with pytest.raises(Refused):
        await desk.refresh(begun.refresh_token)


async def test_what_was_begun_never_prints_its_secrets(start: Starter) -> None:
    live = await start()
    begun = await desk_of(live).begin(await make_account(live), SignInKind.BROWSER)
    assert begun.secret is not None
    assert repr(begun) == f"Begun({begun.sign_in_id})"
