import pytest
from msgspec.structs import replace
from sqlalchemy import update
from tests.support.account_client import make_account
from tests.support.live import Live, Starter

from conclave.edge.account_links import AccountLinks
from conclave.identity.invitations import Claims
from conclave.model.accounts import Account, OwnedMeeting, Share
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId
from conclave.model.roles import Role
from conclave.store.schema import ACCOUNTS

MEETING = MeetingId("m" * 16)


async def shared_as_viewer(live: Live) -> tuple[AccountLinks, OwnedMeeting, Account, Account]:
    ada, eve = await make_account(live), await make_account(live, "eve")
    stores = live.server.accounts.stores
    meeting = OwnedMeeting(meeting_id=MEETING, owner_id=ada.user_id, title="Weekly", created_at_s=1.0)
    await stores.meetings.add(meeting, 1)
    await stores.meetings.share(Share(MEETING, eve.user_id, Role.VIEWER), 1)
    return live.server.accounts.links, meeting, ada, eve


def link(account: Account, role: Role) -> Claims:
    return Claims(sub=MEETING, role=role, jti="j" * 16, iat=0, nbf=0, exp=1, account=account.user_id, epoch=account.epoch)


async def test_an_owner_is_host_and_others_are_what_the_share_says(start: Starter) -> None:
    live = await start()
    links, meeting, ada, eve = await shared_as_viewer(live)
    roles = [await links.role_of(meeting, account.user_id) for account in (ada, eve, await make_account(live, "mallory"))]
    assert roles == [Role.HOST, Role.VIEWER, None]


async def test_a_link_is_good_for_whom_and_what_it_was_made(start: Starter) -> None:
    links, _, ada, eve = await shared_as_viewer(await start())
    await links.check(link(ada, Role.HOST))
    await links.check(link(eve, Role.VIEWER))
    others = (
        link(eve, Role.HOST), replace(link(eve, Role.VIEWER), epoch=1), replace(link(ada, Role.HOST), sub="n" * 16),
        replace(link(ada, Role.HOST), account="x" * 16),
    )  # fmt: skip
    for claims in others:
        with pytest.raises(Refused) as caught:
            await links.check(claims)
        assert caught.value.code is ErrorCode.UNAUTHORIZED


async def test_invitations_of_no_account_pass(start: Starter) -> None:
    links, _, ada, _ = await shared_as_viewer(await start())
    await links.check(replace(link(ada, Role.CO_HOST), account=None))


async def test_one_deactivated_behind_our_back_comes_by_no_link(start: Starter) -> None:
    live = await start()
    links, _, ada, _ = await shared_as_viewer(live)
    async with live.server.accounts.stores.database.writing() as connection:
        await connection.execute(update(ACCOUNTS).values(active=False))
    with pytest.raises(Refused):
        await links.check(link(ada, Role.HOST))
