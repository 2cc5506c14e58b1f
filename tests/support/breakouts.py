"""A meeting in memory with breakout rooms, and what people do in them."""

import pytest
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.media.commands import CloseTransport, OpenTransport
from conclave.meeting.state import Participant
from conclave.model.errors import Refused
from conclave.model.ids import BreakoutId, TrackId
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.signaling import messages
from conclave.signaling.messages import Request


class Breakouts(MeetingInMemory):
    """`host` sits in the main room; the rooms of `titles` are open."""

    def __init__(self, *titles: str, self_choose: bool = False, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self.host = self.sit(self.open())
        if titles:
            self.create(*titles, self_choose=self_choose)

    @property
    def ids(self) -> list[BreakoutId]:
        return [place.breakout_id for place in self.meeting.breakouts if place.breakout_id is not None]

    def create(self, *titles: str, self_choose: bool = False) -> None:
        create = messages.BreakoutCreate(id=1, titles=list(titles), self_choose=self_choose)
        self.ask(self.host.session_id, create, messages.Empty)

    def enter(self, who: Participant, breakout_id: str | None) -> None:
        """Go somewhere and be ready there."""
        self.ask(who.session_id, messages.BreakoutEnter(id=1, breakout_id=breakout_id), messages.Empty)
        self.ready(who)

    def manage(self, who: Participant, breakout_id: str | None, by: Participant | None = None) -> None:
        """Let the host, or `by`, move somebody, who is ready then."""
        manage = messages.BreakoutManage(id=1, participant_id=who.participant_id, breakout_id=breakout_id)
        self.ask((by or self.host).session_id, manage, messages.Empty)
        self.ready(who)

    def ready(self, who: Participant) -> None:
        self.ask(who.session_id, messages.BreakoutReady(id=1, moves=who.moves), messages.Empty)

    def close_rooms(self, countdown_s: int = 0) -> None:
        self.ask(self.host.session_id, messages.BreakoutClose(id=1, countdown_s=countdown_s), messages.Empty)

    def inside(self, breakout_id: str | None, role: Role = Role.PARTICIPANT, name: str = "Ada") -> Participant:
        """Join and be moved into a room."""
        who = self.join(role, name)
        if breakout_id is not None:
            self.manage(who, breakout_id)
        return who

    def publish(self, who: Participant, kind: str = "audio") -> TrackId:
        declare = messages.AudioPublish if kind == "audio" else messages.VideoPublish
        (track_id,) = self.ask(who.session_id, declare(id=1, mid="0"), messages.Published).track_ids
        self.ask(who.session_id, messages.PublisherOffer(id=2, sdp=offer(kind)), messages.SdpAnswer)
        return TrackId(track_id)

    def forget(self) -> None:
        """Forget what was sent so far."""
        self.inbox.clear()

    def events(self, who: Participant) -> list[str]:
        """Return the names of what somebody was sent."""
        return [messages.type_of(type(event)) for event in self.inbox[who.session_id]]


def refusal(room: Breakouts, who: Participant, request: Request) -> str:
    """Ask for something that is refused; return the code."""
    with pytest.raises(Refused) as caught:
        room.ask(who.session_id, request, messages.Empty)
    return caught.value.code


def open_transports(room: Breakouts) -> set[str]:
    """Return the ids of the transports that the plane was told to open and not to close."""
    opened = {command.transport.transport_id for command in room.commands if isinstance(command, OpenTransport)}
    return opened - {command.transport_id for command in room.commands if isinstance(command, CloseTransport)}
