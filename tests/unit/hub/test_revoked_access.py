import asyncio
import os
import time

import pytest
from tests.support.accounts import an_account
from tests.support.hubs import Client, HubInMemory, RefusedByServer, eventually
from tests.support.tokens import Mint

from conclave.identity.access_tokens import AccessClaims
from conclave.identity.invitations import Claims
from conclave.identity.signed_tokens import not_valid
from conclave.model.accounts import Account, Revocation, RevocationKind, SignInId
from conclave.model.errors import ErrorCode
from conclave.model.ids import MeetingId, new_id
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

    def __call__(self, _invitation: Claims, bearer: AccessClaims | None) -> bool:
        return bearer is not None and bearer.sub == self.account.user_id


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


async def test_a_resume_that_is_under_way_is_no_way_around_a_revocation(house: HubInMemory) -> None:
    accounts, ada = Accounts(house), an_account()
    await house.host()
    guest, again = house.client(), house.client()
    token, access = house.token(Role.PARTICIPANT), accounts.token(ada)
    welcome = await guest.ask(
        lambda number: messages.Hello(id=number, protocol=1, token=token, access_token=access), messages.Welcome
    )
    await guest.join("Ada")
    resume = messages.Resume(welcome.session_id, welcome.resume_token)
    async with asyncio.TaskGroup() as group:
        group.create_task(again.send(messages.Hello(id=1, protocol=1, resume=resume)))
        group.create_task(revoke_soon(house, ada))
    await house.hub.settle()
    assert guest.session.closed.is_set()
    assert again.session.closed.is_set() or not again.session.visitor
    assert house.hub.sizes()["participants"] == 1


async def revoke_soon(house: HubInMemory, account: Account) -> None:
    house.hub.close_sessions(of(account), "unauthorized", "access was revoked")


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


async def test_a_meeting_can_be_closed_from_outside(house: HubInMemory) -> None:
    host, waiting = await house.host(), await house.greeted(Role.VIEWER)
    house.hub.close_meeting(house.meeting_id)
    await eventually(waiting.session.closed.is_set)
    assert [event.reason for event in host.received(messages.MeetingEnded)] == ["host"]
    assert [client.received(messages.Closing)[-1].code for client in (host, waiting)] == ["unauthorized"] * 2
    await eventually(lambda: house.hub.sizes()["participants"] == 0)
    house.hub.close_meeting(house.meeting_id)
    house.hub.close_meeting(MeetingId("n" * 16))
    await house.hub.settle()


def own_link(house: HubInMemory, account: Account) -> str:
    return house.invitations.issue(house.meeting_id, Role.HOST, house.clock.wall(), seats=1, account=account).token


async def test_an_own_link_is_asked_for_before_anybody_comes_by_it(house: HubInMemory) -> None:
    asked: list[str | None] = []

    async def check(claims: Claims) -> None:
        asked.append(claims.account)
        if len(asked) == 2:
            raise not_valid()

    ada = an_account()
    house.hub._services.check_link = check
    await house.client().hello(own_link(house, ada))
    await house.client().hello(house.token(Role.VIEWER))
    with pytest.raises(RefusedByServer):
        await house.client().hello(own_link(house, ada))
    assert asked == [ada.user_id] * 2


async def test_without_accounts_no_own_link_is_good(house: HubInMemory) -> None:
    with pytest.raises(RefusedByServer):
        await house.client().hello(own_link(house, an_account()))


async def test_what_is_revoked_while_it_is_asked_for_is_not_let_in(house: HubInMemory) -> None:
    accounts, ada = Accounts(house), an_account()
    access = accounts.token(ada)

    async def revoke(_: Claims) -> None:
        revocation = Revocation(RevocationKind.USER, ada.user_id, time.time() + 60, ada.epoch + 1)
        accounts.mint.access.revocations.add(revocation, time.time())

    house.hub._services.check_link = revoke
    token = own_link(house, ada)
    with pytest.raises(RefusedByServer):
        await house.client().ask(
            lambda number: messages.Hello(id=number, protocol=1, token=token, access_token=access), messages.Welcome
        )


async def test_an_own_link_and_another_accounts_access_token_do_not_go_together(house: HubInMemory) -> None:
    accounts, ada, eve = Accounts(house), an_account(), an_account("eve")

    async def pass_all(_: Claims) -> None:
        return

    house.hub._services.check_link = pass_all
    token = own_link(house, ada)
    with pytest.raises(RefusedByServer) as caught:
        await house.client().ask(
            lambda number: messages.Hello(id=number, protocol=1, token=token, access_token=accounts.token(eve)), messages.Welcome
        )
    assert caught.value.code == ErrorCode.UNAUTHORIZED
    await house.client().ask(
        lambda number: messages.Hello(id=number, protocol=1, token=token, access_token=accounts.token(ada)), messages.Welcome
    )


async def test_whose_link_ends_while_it_is_asked_about_does_not_get_in(house: HubInMemory) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def check_link(_: Claims) -> None:
        asked.set()
        await answer.wait()

    house.hub._services.check_link = check_link
    token = house.token(Role.PARTICIPANT, seats=1, account=an_account())
    guest = house.client()
    greeting = asyncio.create_task(guest.hello(token))
    await asked.wait()
    house.hub.close_sessions(lambda link, _: link.account is not None, "unauthorized", "not shared any more")
    answer.set()
    await asyncio.gather(greeting, return_exceptions=True)
    assert guest.session.close_code == 4001
    assert house.hub.sizes()["visitors"] == 0
    assert not house.hub._greeter.arriving
