import os
import time

import pytest
from tests.support.accounts import an_account
from tests.support.hubs import Client, HubInMemory, RefusedByServer
from tests.support.tokens import Mint

from conclave.identity.access_tokens import AccessClaims
from conclave.model.accounts import Account, SignInId
from conclave.model.ids import new_id
from conclave.model.roles import Role
from conclave.signaling import messages


class Accounts:
    """A mint whose access tokens the hub takes."""

    def __init__(self, house: HubInMemory) -> None:
        self.mint = Mint()
        house.hub._services.verify_access = self.mint.access.verify

    def token(self, account: Account) -> str:
        return self.mint.access.issue(account, SignInId(new_id(os.urandom)), time.time())


async def greet(house: HubInMemory, role: Role, access_token: str) -> Client:
    client = house.client()
    token = house.token(role)
    await client.ask(
        lambda number: messages.Hello(id=number, protocol=1, token=token, access_token=access_token), messages.Welcome
    )
    return client


def of(account: Account) -> "Predicate":
    return Predicate(account)


class Predicate:
    def __init__(self, account: Account) -> None:
        self.account = account

    def __call__(self, claims: AccessClaims) -> bool:
        return claims.sub == self.account.user_id


async def test_revoked_access_takes_the_seat_and_closes_the_connection(house: HubInMemory) -> None:
    accounts, ada = Accounts(house), an_account()
    host = await house.host()
    guest = await greet(house, Role.PARTICIPANT, accounts.token(ada))
    await guest.join("Ada")
    house.hub.close_sessions(of(ada), "unauthorized", "access was revoked")
    assert guest.session.closed.is_set()
    assert guest.session.close_code == 4001
    await house.hub.settle()
    assert [event.reason for event in host.received(messages.ParticipantLeft)] == ["revoked"]
    assert not host.session.closed.is_set()


async def test_a_session_whose_access_was_revoked_cannot_be_resumed(house: HubInMemory) -> None:
    accounts, ada = Accounts(house), an_account()
    await house.host()
    guest = house.client()
    token = house.token(Role.PARTICIPANT)
    welcome = await guest.ask(
        lambda number: messages.Hello(id=number, protocol=1, token=token, access_token=accounts.token(ada)), messages.Welcome
    )
    await guest.join("Ada")
    house.hub.close_sessions(of(ada), "unauthorized", "access was revoked")
    guest.session.disconnected()
    await house.hub.settle()
    with pytest.raises(RefusedByServer):
        await house.client().resume(welcome.session_id, welcome.resume_token)


async def test_a_lost_connection_is_no_way_around_a_revocation(house: HubInMemory) -> None:
    accounts, ada = Accounts(house), an_account()
    host = await house.host()
    guest = await greet(house, Role.PARTICIPANT, accounts.token(ada))
    await guest.join("Ada")
    guest.session.disconnected()
    await house.hub.settle()
    house.hub.close_sessions(of(ada), "unauthorized", "access was revoked")
    await house.hub.settle()
    assert [event.reason for event in host.received(messages.ParticipantLeft)] == ["revoked"]


async def test_others_and_guests_without_an_account_stay(house: HubInMemory) -> None:
    accounts, ada, eve = Accounts(house), an_account(), an_account("eve")
    await house.host()
    guest, other = await house.joined(Role.VIEWER), await greet(house, Role.VIEWER, accounts.token(eve))
    house.hub.close_sessions(of(ada), "unauthorized", "access was revoked")
    await house.hub.settle()
    assert not guest.session.closed.is_set()
    assert not other.session.closed.is_set()


async def test_an_access_token_that_is_not_good_lets_nobody_in_by_a_good_invitation(house: HubInMemory) -> None:
    Accounts(house)
    for token in ("x.y.z", Mint().access.issue(an_account(), SignInId("s" * 16), time.time()), house.token(Role.HOST)):
        with pytest.raises(RefusedByServer) as caught:
            await greet(house, Role.HOST, token)
        assert caught.value.code == "unauthorized"


async def test_without_accounts_no_access_token_is_good(house: HubInMemory) -> None:
    with pytest.raises(RefusedByServer):
        await greet(house, Role.HOST, Mint().access.issue(an_account(), SignInId("s" * 16), time.time()))


async def test_a_meeting_can_be_ended_from_outside(house: HubInMemory) -> None:
    host = await house.host()
    house.hub.end_meeting(house.meeting_id)
    await house.hub.settle()
    assert [event.reason for event in host.received(messages.MeetingEnded)] == ["host"]
    house.hub.end_meeting(house.meeting_id)
    await house.hub.settle()
