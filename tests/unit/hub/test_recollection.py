import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from tests.support.hubs import Client, HubInMemory, RefusedByServer, eventually

from conclave.hub import recollection
from conclave.model.entry import Ban, Demotion, Fact, InvitationRecord, Remembered
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.ids import MeetingId
from conclave.model.roles import Permission, Role
from conclave.signaling import messages


class Memory:
    """ports.meeting_memory.MeetingMemory in a dictionary; it fails while `works` is off and waits while `open` is not set."""

    def __init__(self) -> None:
        self.facts: dict[MeetingId, list[Fact]] = {}
        self.works = True
        self.open = asyncio.Event()
        self.open.set()
        self.asked = 0
        self.answered = 0

    async def recall(self, meeting_id: MeetingId, now_s: float) -> Remembered:
        await self._answer()
        facts = self.facts.get(meeting_id, [])
        bans = tuple(fact for fact in facts if isinstance(fact, Ban) and fact.until_s > now_s)
        latest = {fact.jti: fact for fact in facts if isinstance(fact, InvitationRecord)}
        demotions = {(fact.jti, fact.device_id): fact for fact in facts if isinstance(fact, Demotion) and fact.until_s > now_s}
        return Remembered(bans, tuple(latest.values()), tuple(demotions.values()))

    async def keep(self, meeting_id: MeetingId, facts: Sequence[Fact]) -> None:
        await self._answer()
        self.facts.setdefault(meeting_id, []).extend(facts)

    async def forget_expired(self, now_s: float) -> None:
        raise NotImplementedError

    async def _answer(self) -> None:
        self.asked += 1
        await self.open.wait()
        self.answered += 1
        if not self.works:
            raise Unavailable("store", "on purpose")


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def hub(memory: Memory) -> AsyncIterator[HubInMemory]:
    hub = HubInMemory(memory=memory)
    hub.start()
    yield hub
    await hub.close()


@pytest.fixture
async def later(memory: Memory) -> AsyncIterator[HubInMemory]:
    """The same server after a restart."""
    hub = HubInMemory(memory=memory)
    hub.start()
    yield hub
    await hub.close()


async def ban(host: Client, participant_id: str | None) -> None:
    assert participant_id is not None
    await host.ask(lambda number: messages.ParticipantRemove(id=number, participant_id=participant_id, ban=True), messages.Empty)


def continue_as(hub: HubInMemory, later: HubInMemory) -> None:
    """The later server has the key and the meeting of the earlier one, and nothing of its revocations."""
    later.invitations._public_keys |= hub.invitations._public_keys
    later.meeting_id = hub.meeting_id


async def enter(hub: HubInMemory, token: str, device_id: str | None = None) -> Client:
    client = hub.client()
    await client.ask(lambda number: messages.Hello(id=number, protocol=1, token=token, device_id=device_id), messages.Welcome)
    return client


def failures(hub: HubInMemory) -> int:
    return sum(event.type == "admission_not_kept" for event in hub.audit.events)


async def test_a_ban_is_kept_before_the_host_is_answered_and_after_the_media_are_cut(hub: HubInMemory, memory: Memory) -> None:
    host, ada = await hub.host(), await hub.joined(Role.PARTICIPANT)
    seat = (await ada.ask(lambda number: messages.Leave(id=number), messages.Empty)) and await ada.join("Ada")
    memory.open.clear()
    banning = asyncio.create_task(ban(host, seat.participant_id))
    await eventually(lambda: hub.hub.sizes()["participants"] == 1)
    assert not banning.done()
    assert not ada.received(messages.Closing)
    memory.open.set()
    await banning
    assert [fact.whole for fact in memory.facts[hub.meeting_id] if isinstance(fact, Ban)] == [True]
    assert ada.received(messages.Closing)[-1].code == "removed"


async def test_who_was_banned_stays_out_after_a_restart(hub: HubInMemory, later: HubInMemory) -> None:
    host = await hub.host()
    ada = await enter(hub, hub.token(Role.PARTICIPANT), "d" * 16)
    await ban(host, (await ada.join("Ada")).participant_id)
    continue_as(hub, later)
    with pytest.raises(RefusedByServer) as caught:
        await enter(later, hub.token(Role.PARTICIPANT), "d" * 16)
    assert caught.value.code == ErrorCode.FORBIDDEN
    assert await enter(later, hub.token(Role.PARTICIPANT), "e" * 16)


async def test_uses_labels_and_devices_of_links_outlast_a_restart(hub: HubInMemory, later: HubInMemory) -> None:
    host = await hub.host()
    made = await host.ask(
        lambda number: messages.InvitationCreate(id=number, role=Role.VIEWER, uses=2, label="For Ada"), messages.Invitation
    )
    ada = await enter(hub, made.token, "d" * 16)
    await ada.join("Ada")
    continue_as(hub, later)
    host = await later.host()
    foreign = await enter(later, made.token, "e" * 16)
    with pytest.raises(RefusedByServer) as caught:
        await foreign.join("Eve")
    assert caught.value.code == ErrorCode.CONFLICT
    again = await enter(later, made.token, "d" * 16)
    await again.join("Ada")
    listed = await host.ask(lambda number: messages.InvitationList(id=number), messages.InvitationDescriptions)
    assert [(link.label, link.uses) for link in listed.invitations if link.role is Role.VIEWER] == [("For Ada", 2)]
    await again.ask(lambda number: messages.Leave(id=number), messages.Empty)
    with pytest.raises(RefusedByServer, match="used up"):
        await again.join("Ada")


async def test_uses_that_only_inform_are_written_within_a_second_and_together(hub: HubInMemory, memory: Memory) -> None:
    await hub.host()
    asked = memory.asked
    for _ in range(3):
        await hub.joined(Role.VIEWER)
    assert memory.asked == asked
    await hub.advance(recollection.LATER_S + 0.1)
    assert memory.asked == asked + 1
    assert [fact.uses for fact in memory.facts[hub.meeting_id] if isinstance(fact, InvitationRecord)] == [1] * 4


async def test_nobody_is_greeted_before_the_bans_are_known(hub: HubInMemory, memory: Memory) -> None:
    memory.works = False
    with pytest.raises(RefusedByServer) as caught:
        await hub.greeted(Role.HOST)
    assert caught.value.code == ErrorCode.UNAVAILABLE
    assert hub.hub.sizes()["visitors"] == 0
    await eventually(lambda: hub.hub.sizes()["meetings"] == 0)
    memory.works = True
    assert await hub.greeted(Role.HOST)


async def test_a_store_that_does_not_answer_is_not_waited_for(
    hub: HubInMemory, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recollection, "ANSWER_WITHIN_S", 0.01)
    memory.open.clear()
    with pytest.raises(RefusedByServer) as caught:
        await hub.greeted(Role.HOST)
    assert caught.value.code == ErrorCode.UNAVAILABLE


async def test_a_removal_without_the_store_happens_is_on_record_and_kept_later(hub: HubInMemory, memory: Memory) -> None:
    host, ada = await hub.host(), await hub.greeted(Role.PARTICIPANT)
    seat = await ada.join("Ada")
    memory.works = False
    await ban(host, seat.participant_id)
    assert ada.session.closed.is_set()
    assert "admission_not_kept" in [event.type for event in hub.audit.events]
    memory.works = True
    await hub.advance(recollection.RETRY_S + 0.1)
    assert [fact for fact in memory.facts[hub.meeting_id] if isinstance(fact, Ban)]


async def test_what_waits_is_written_when_the_server_stops(memory: Memory) -> None:
    hub = HubInMemory(memory=memory)
    hub.start()
    await hub.host()
    await hub.close()
    assert len(memory.facts[hub.meeting_id]) == 1


async def test_a_demoted_host_has_after_a_restart_what_was_left_of_the_link(hub: HubInMemory, later: HubInMemory) -> None:
    host, token = await hub.host(), hub.token(Role.HOST, seats=1)
    other = await enter(hub, token)
    seat = await other.join("Mallory")
    assert seat.participant_id is not None
    demotion = lambda number: messages.ParticipantSetRole(  # noqa: E731
        id=number, participant_id=seat.participant_id, role=Role.CO_HOST
    )
    await host.ask(demotion, messages.Empty)
    continue_as(hub, later)
    claims = later.invitations.verify(token, later.clock.wall())
    with pytest.raises(Refused):
        await later.hub.authorise(claims, (), Permission.RECORDING_DOWNLOAD, "recording.download")
    await later.hub.settle()
    assert later.hub.sizes()["meetings"] == 0
    back = later.client()
    welcome = await back.hello(token)
    assert (welcome.role, welcome.meeting_open) == (Role.CO_HOST, False)
    with pytest.raises(RefusedByServer) as caught:
        await back.ask(lambda number: messages.MeetingCreate(id=number, title="Mine"), messages.MeetingCreated)
    assert caught.value.code == ErrorCode.UNAUTHORIZED


async def test_what_is_left_of_a_link_is_not_known_while_the_store_is_silent(later: HubInMemory, memory: Memory) -> None:
    memory.works = False
    claims = later.invitations.verify(later.token(Role.HOST), later.clock.wall())
    with pytest.raises(Unavailable):
        await later.hub.authorise(claims, (), Permission.RECORDING_DOWNLOAD, "recording.download")


async def test_a_question_is_not_broken_off_and_its_late_answer_is_good(
    hub: HubInMemory, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recollection, "ANSWER_WITHIN_S", 0.01)
    memory.open.clear()
    for _ in range(3):
        with pytest.raises(RefusedByServer):
            await hub.greeted(Role.HOST)
    assert (memory.asked, hub.hub.sizes()["meetings"]) == (1, 1)
    memory.open.set()
    await eventually(lambda: memory.answered == 1)
    hub.hub.fire_timers()
    await eventually(lambda: hub.hub.sizes()["meetings"] == 0)
    assert await hub.greeted(Role.HOST)


async def test_while_the_store_does_not_answer_a_meeting_waits_for_it_once(
    hub: HubInMemory, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await hub.host()
    await hub.advance(recollection.LATER_S + 0.1)
    asked = memory.asked
    monkeypatch.setattr(recollection, "ANSWER_WITHIN_S", 0.01)
    memory.open.clear()
    for number in range(3):
        ada = await enter(hub, hub.token(Role.PARTICIPANT), f"{number}" * 16)
        await ban(host, (await ada.join("Ada")).participant_id)
    assert memory.asked == asked + 1
    memory.open.set()
    await eventually(lambda: memory.answered == memory.asked)
    await hub.advance(recollection.LATER_S + 0.1)
    await eventually(lambda: len([fact for fact in memory.facts[hub.meeting_id] if isinstance(fact, Ban)]) == 3)


async def test_a_failing_store_is_tried_again_less_and_less_often(hub: HubInMemory, memory: Memory) -> None:
    host, ada = await hub.host(), await hub.greeted(Role.PARTICIPANT)
    seat = await ada.join("Ada")
    await hub.advance(recollection.LATER_S + 0.1)
    memory.works = False
    await ban(host, seat.participant_id)
    for delay_s, times in ((5.1, 2), (5.1, 2), (5.1, 3), (20.1, 4), (40.1, 5), (60.1, 6), (60.1, 7)):
        await hub.advance(delay_s)
        await eventually(lambda times=times: failures(hub) == times)  # type: ignore[misc]
    memory.works = True
    await hub.advance(60.1)
    await eventually(lambda: any(isinstance(fact, Ban) for fact in memory.facts[hub.meeting_id]))


async def test_a_meeting_is_not_forgotten_before_everything_is_kept(hub: HubInMemory, memory: Memory) -> None:
    host = await hub.host()
    memory.works = False
    link = hub.token(Role.PARTICIPANT, seats=1, uses=1)
    ada = await enter(hub, link, "d" * 16)
    await ada.join("Ada")
    await host.ask(lambda number: messages.MeetingEnd(id=number), messages.Empty)
    for client in (host, ada):
        client.session.disconnected()
    await hub.hub.settle()
    assert hub.hub.sizes() | {"timers": 0} == {
        "connections": 0, "visitors": 0, "meetings": 1, "participants": 0, "tracks": 0, "timers": 0,
    }  # fmt: skip
    memory.works = True
    await hub.advance(recollection.RETRY_S + 0.1)
    await eventually(lambda: memory.facts[hub.meeting_id])
    hub.hub.fire_timers()
    await eventually(lambda: hub.hub.sizes()["meetings"] == 0)
    await hub.host()
    ada = await enter(hub, link, "d" * 16)
    with pytest.raises(RefusedByServer, match="used up"):
        await ada.join("Ada")


async def test_what_failed_before_is_written_when_the_server_stops(memory: Memory) -> None:
    hub = HubInMemory(memory=memory)
    hub.start()
    await hub.host()
    memory.works = False
    await enter(hub, hub.token(Role.PARTICIPANT, seats=1), "d" * 16)
    await hub.advance(recollection.LATER_S + 0.1)
    memory.works = True
    await hub.close()
    assert memory.facts[hub.meeting_id]
