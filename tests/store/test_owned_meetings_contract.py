import asyncio
import os

import pytest
from tests.support.accounts import NOW_S, an_account

from conclave.model.accounts import OwnedMeeting, Relation, Share, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role
from conclave.store.stores import Stores


async def kept_user(stores: Stores, name: str) -> UserId:
    account = an_account(name)
    await stores.accounts.add(account)
    return account.user_id


def a_meeting(owner_id: UserId, created_at_s: float = NOW_S) -> OwnedMeeting:
    return OwnedMeeting(meeting_id=MeetingId(new_id(os.urandom)), owner_id=owner_id, title="Räte; --", created_at_s=created_at_s)


async def test_a_meeting_belongs_to_its_owner_alone(stores: Stores) -> None:
    ada, eve = await kept_user(stores, "ada"), await kept_user(stores, "eve")
    meeting = a_meeting(ada)
    await stores.meetings.add(meeting, 10)
    assert await stores.meetings.by_id(meeting.meeting_id) == meeting
    assert await stores.meetings.relation(meeting.meeting_id, ada) is Relation.OWNER
    assert await stores.meetings.relation(meeting.meeting_id, eve) is Relation.NONE
    assert await stores.meetings.relation(MeetingId("x" * 16), ada) is Relation.NONE


async def test_a_share_makes_a_relation_and_can_be_taken_back(stores: Stores) -> None:
    ada, eve = await kept_user(stores, "ada"), await kept_user(stores, "eve")
    meeting = a_meeting(ada)
    await stores.meetings.add(meeting, 10)
    await stores.meetings.share(Share(meeting.meeting_id, eve, Role.VIEWER), 5)
    await stores.meetings.share(Share(meeting.meeting_id, eve, Role.CO_HOST), 5)
    assert await stores.meetings.relation(meeting.meeting_id, eve) is Relation.SHARED
    assert list(await stores.meetings.shares(meeting.meeting_id)) == [Share(meeting.meeting_id, eve, Role.CO_HOST)]
    assert await stores.meetings.share_of(meeting.meeting_id, eve) == Share(meeting.meeting_id, eve, Role.CO_HOST)
    await stores.meetings.unshare(meeting.meeting_id, eve)
    await stores.meetings.unshare(meeting.meeting_id, eve)
    assert await stores.meetings.relation(meeting.meeting_id, eve) is Relation.NONE


async def test_owned_and_shared_meetings_are_listed_together(stores: Stores) -> None:
    ada, eve = await kept_user(stores, "ada"), await kept_user(stores, "eve")
    own, shared, foreign = a_meeting(eve, NOW_S), a_meeting(ada, NOW_S + 1), a_meeting(ada, NOW_S + 2)
    for meeting in (own, shared, foreign):
        await stores.meetings.add(meeting, 10)
    await stores.meetings.share(Share(shared.meeting_id, eve, Role.VIEWER), 5)
    assert list(await stores.meetings.of_user(eve)) == [shared, own]


async def test_a_deleted_meeting_takes_its_shares_along(stores: Stores) -> None:
    ada, eve = await kept_user(stores, "ada"), await kept_user(stores, "eve")
    meeting = a_meeting(ada)
    await stores.meetings.add(meeting, 10)
    await stores.meetings.share(Share(meeting.meeting_id, eve, Role.VIEWER), 5)
    await stores.meetings.delete(meeting.meeting_id)
    assert await stores.meetings.by_id(meeting.meeting_id) is None
    assert await stores.meetings.share_of(meeting.meeting_id, eve) is None
    assert list(await stores.meetings.of_user(eve)) == []


async def test_limits_hold_also_for_requests_at_once(stores: Stores) -> None:
    ada = await kept_user(stores, "ada")
    meetings = [a_meeting(ada) for _ in range(6)]
    outcomes = await asyncio.gather(*(stores.meetings.add(meeting, 3) for meeting in meetings), return_exceptions=True)
    assert [outcome.code for outcome in outcomes if isinstance(outcome, Refused)] == [ErrorCode.CONFLICT] * 3
    kept = (await stores.meetings.of_user(ada))[0]
    users = [await kept_user(stores, f"user{number}") for number in range(4)]
    shares = (stores.meetings.share(Share(kept.meeting_id, user, Role.VIEWER), 2) for user in users)
    outcomes = await asyncio.gather(*shares, return_exceptions=True)
    assert [outcome.code for outcome in outcomes if isinstance(outcome, Refused)] == [ErrorCode.CONFLICT] * 2


async def test_nothing_is_shared_with_nobody(stores: Stores) -> None:
    ada = await kept_user(stores, "ada")
    meeting = a_meeting(ada)
    await stores.meetings.add(meeting, 10)
    for share in (Share(meeting.meeting_id, UserId("x" * 16), Role.VIEWER), Share(MeetingId("x" * 16), ada, Role.VIEWER)):
        with pytest.raises(Refused) as caught:
            await stores.meetings.share(share, 5)
        assert caught.value.code is ErrorCode.NOT_FOUND
