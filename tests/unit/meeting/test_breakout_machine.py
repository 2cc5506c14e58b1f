"""Random meetings with breakout rooms: whoever goes where and does what, each is in one place and the places stay apart."""

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.breakouts import Breakouts
from tests.support.offers import answer

from conclave.media.commands import AddTrack, CloseTransport, OpenTransport, PlaneCommand, RemoveTrack, SetRoute
from conclave.meeting.context import Context
from conclave.meeting.effects import Broadcast, Send
from conclave.meeting.state import Participant
from conclave.model.errors import Refused
from conclave.model.ids import SessionId
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.policy.rbac import outranks_or_equals
from conclave.policy.rules import MeetingState
from conclave.signaling import messages
from conclave.signaling.messages import Event

MAX_PARTICIPANTS = 7
MAX_ROOMS = 3


class WatchedRooms(Breakouts):
    """Checks each event and each route at the moment at which it goes out."""

    def _perform(self, context: Context) -> None:
        for effect in context.effects:
            match effect:
                case Send(session_id, event):
                    self.check(session_id, event)
                case Broadcast(event, to):
                    for session_id in to:
                        self.check(session_id, event)
        for command in context.commands:
            self.check_route(command)
        super()._perform(context)

    def check(self, session_id: SessionId, event: Event) -> None:
        """Nothing of another place goes to anybody; of people hosts and co-hosts hear everywhere."""
        seat = self.meeting.seat_of(session_id)
        if seat is None:
            return
        people, tracks = _named_by(event)
        for participant_id in people:
            other = self.meeting.participants.get(participant_id)  # type: ignore[call-overload]
            moderates = outranks_or_equals(seat.role, Role.CO_HOST)
            assert other is None or moderates or seat.breakout_id == other.breakout_id
        for track_id in tracks:
            track = self.meeting.tracks.get(track_id)  # type: ignore[call-overload]
            assert track is None or self.meeting.participants[track.participant_id].breakout_id == seat.breakout_id
        if isinstance(event, messages.Reaction):
            assert self.meeting.participants[event.participant_id].breakout_id == seat.breakout_id  # type: ignore[index]

    def check_route(self, command: PlaneCommand) -> None:
        if not isinstance(command, SetRoute) or command.spec.track_id is None:
            return
        track = self.meeting.tracks.get(command.spec.track_id)
        owners = [place.media._transports.owner_of(command.spec.transport_id) for place in self.meeting.places.values()]
        receivers = [owner[0] for owner in owners if owner is not None]
        for participant_id in receivers:
            assert track is not None
            receiver, sender = (self.meeting.participants[name] for name in (participant_id, track.participant_id))
            assert receiver.breakout_id == sender.breakout_id


def _named_by(event: Event) -> tuple[list[str], list[str]]:
    """Return the participants and the tracks that an event tells of as being there."""
    match event:
        case messages.ParticipantJoined(info) | messages.ParticipantChanged(info):
            return [info.participant_id], []
        case messages.ParticipantsMoved(infos):
            return [info.participant_id for info in infos], []
        case messages.TrackPublished(track) | messages.TrackChanged(track):
            return [track.participant_id], [track.track_id]
        case messages.SubscriberSlots(slots):
            return [], [slot.track_id for slot in slots if slot.track_id is not None]
        case messages.BreakoutEntered(_, snapshot):
            return [info.participant_id for info in snapshot.participants], [info.track_id for info in snapshot.tracks]
    return [], []


class Rooms(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.room = WatchedRooms(limits=Limits(waiting_room=False, max_participants=MAX_PARTICIPANTS, max_breakouts=MAX_ROOMS))

    def seats(self) -> list[Participant]:
        return list(self.room.meeting.participants.values())

    def pick(self, data: st.DataObject) -> Participant:
        return data.draw(st.sampled_from(self.seats()))

    def where(self, data: st.DataObject) -> str | None:
        return data.draw(st.sampled_from([None, *self.room.ids]))

    def has_seats(self) -> bool:
        return self.room.meeting.is_open and bool(self.seats())

    def has_rooms(self) -> bool:
        return self.has_seats() and bool(self.room.ids)

    @initialize(self_choose=st.booleans())
    def begin(self, self_choose: bool) -> None:
        self.room.create("Red", "Blue", self_choose=self_choose)
        self.room.inside(self.room.ids[0])

    @precondition(lambda self: self.room.meeting.is_open)
    @rule(role=st.sampled_from(Role), headless=st.booleans(), auto=st.booleans())
    def join(self, role: Role, headless: bool, auto: bool) -> None:
        with suppress(Refused):
            self.room.sit(self.room.greet(role, headless=headless), auto_subscribe=auto)

    @precondition(has_seats)
    @rule(data=st.data(), count=st.integers(1, 2))
    def create(self, data: st.DataObject, count: int) -> None:
        with suppress(Refused):
            create = messages.BreakoutCreate(id=1, titles=["Room"] * count, self_choose=data.draw(st.booleans()))
            self.room.ask(self.pick(data).session_id, create, messages.Empty)
        assert len(self.room.ids) <= MAX_ROOMS

    @precondition(has_rooms)
    @rule(data=st.data())
    def enter(self, data: st.DataObject) -> None:
        who, where = self.pick(data), self.where(data)
        allowed = outranks_or_equals(who.role, Role.CO_HOST) or self.room.meeting.self_choose or who.assigned == where
        before = who.breakout_id
        with suppress(Refused):
            self.room.ask(who.session_id, messages.BreakoutEnter(id=1, breakout_id=where), messages.Empty)
            assert allowed or where in (None, before)

    @precondition(has_rooms)
    @rule(data=st.data())
    def manage(self, data: st.DataObject) -> None:
        who, target, where = self.pick(data), self.pick(data), self.where(data)
        with suppress(Refused):
            move = messages.BreakoutManage(id=1, participant_id=target.participant_id, breakout_id=where)
            self.room.ask(who.session_id, move, messages.Empty)
            assert outranks_or_equals(who.role, Role.CO_HOST)
            assert outranks_or_equals(who.role, target.role)

    @precondition(has_seats)
    @rule(data=st.data())
    def ready(self, data: st.DataObject) -> None:
        self.room.ready(self.pick(data))

    @precondition(has_rooms)
    @rule(data=st.data(), countdown_s=st.sampled_from([0, 5, 60]))
    def close(self, data: st.DataObject, countdown_s: int) -> None:
        with suppress(Refused):
            self.room.ask(self.pick(data).session_id, messages.BreakoutClose(id=1, countdown_s=countdown_s), messages.Empty)

    @precondition(has_seats)
    @rule(data=st.data(), kind=st.sampled_from(["audio", "video"]))
    def publish(self, data: st.DataObject, kind: str) -> None:
        with suppress(Refused):
            self.room.publish(self.pick(data), kind)

    @precondition(has_seats)
    @rule(data=st.data())
    def subscribe_to_all_there_is(self, data: st.DataObject) -> None:
        who = self.pick(data)
        for track in list(self.room.meeting.tracks.values()):
            with suppress(Refused):
                self.room.ask(who.session_id, messages.Subscribe(id=1, track_ids=[track.track_id]), messages.Empty)
                assert self.room.meeting.participants[track.participant_id].breakout_id == who.breakout_id

    @precondition(has_seats)
    @rule(data=st.data())
    def answer_the_last_offer(self, data: st.DataObject) -> None:
        who = self.pick(data)
        for offered in self.room.received(who, messages.SubscriberOffer)[-1:]:
            with suppress(Refused):
                taken = messages.SubscriberAnswer(id=1, revision=offered.revision, sdp=answer(offered.sdp))
                self.room.ask(who.session_id, taken, messages.Empty)

    @precondition(has_seats)
    @rule(data=st.data(), raised=st.booleans())
    def show(self, data: st.DataObject, raised: bool) -> None:
        with suppress(Refused):
            who = self.pick(data)
            self.room.ask(who.session_id, messages.HandRaise(id=1, raised=raised), messages.Empty)
            self.room.ask(who.session_id, messages.ReactionSend(id=1, reaction="👍"), messages.Empty)

    @precondition(has_seats)
    @rule(data=st.data(), role=st.sampled_from(Role))
    def set_role(self, data: st.DataObject, role: Role) -> None:
        with suppress(Refused):
            change = messages.ParticipantSetRole(id=1, participant_id=self.pick(data).participant_id, role=role)
            self.room.ask(self.pick(data).session_id, change, messages.Empty)

    @precondition(has_seats)
    @rule(data=st.data(), roster=st.booleans())
    def hide_or_show_the_roster(self, data: st.DataObject, roster: bool) -> None:
        with suppress(Refused):
            self.room.ask(self.pick(data).session_id, messages.MeetingModify(id=1, roster=roster), messages.Empty)

    @precondition(has_seats)
    @rule(data=st.data())
    def freeze_or_go_on(self, data: st.DataObject) -> None:
        frozen = self.room.meeting.state is MeetingState.SUSPENDED
        with suppress(Refused):
            change = messages.MeetingResume(id=1) if frozen else messages.MeetingSuspend(id=1)
            self.room.ask(self.pick(data).session_id, change, messages.Empty)

    @precondition(has_seats)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.room.ask(self.pick(data).session_id, messages.Leave(id=1), messages.Empty)

    @precondition(has_seats)
    @rule(data=st.data(), back=st.booleans())
    def lose(self, data: st.DataObject, back: bool) -> None:
        who = self.pick(data)
        self.room.lose(who)
        if back and self.room.meeting.seat_of(who.session_id) is not None:
            self.room.resume(who)

    @precondition(lambda self: self.room.meeting.is_open)
    @rule(seconds=st.sampled_from([0.05, 4.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.room.advance(seconds)

    @precondition(has_seats)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        if data.draw(st.integers(0, 5)) == 0:
            with suppress(Refused):
                self.room.ask(self.pick(data).session_id, messages.MeetingEnd(id=1), messages.Empty)

    @precondition(lambda self: not self.room.meeting.is_open)
    @rule()
    def reopen(self) -> None:
        self.room.host = self.room.sit(self.room.open())
        self.room.create("Red", "Blue")

    @invariant()
    def each_seat_is_in_exactly_one_place_that_is_open(self) -> None:
        meeting = self.room.meeting
        counts = {place.breakout_id: len(list(meeting.seats_in(place.breakout_id))) for place in meeting.places.values()}
        if meeting.is_open:
            assert sum(counts.values()) == len(meeting.participants)
            assert all(not seat.headless for place in meeting.breakouts for seat in meeting.seats_in(place.breakout_id))
        else:
            assert counts == {}

    @invariant()
    def the_media_of_a_place_know_nobody_who_is_elsewhere(self) -> None:
        for place in self.room.meeting.places.values():
            inside = {seat.participant_id for seat in self.room.meeting.seats_in(place.breakout_id)}
            assert place.media._participants.keys() <= inside
            assert {place.media._stage.owner_of(track_id) for track_id in place.media._stage.live} <= inside
            assert set(place.speakers) <= inside

    @invariant()
    def nobody_has_media_before_it_is_ready(self) -> None:
        for seat in self.seats():
            assert seat.arrived or not seat.track_ids

    @invariant()
    def the_plane_holds_the_live_tracks_and_the_transports_of_those_who_sit(self) -> None:
        added = [command.spec.track_id for command in self.room.commands if isinstance(command, AddTrack)]
        removed = {command.track_id for command in self.room.commands if isinstance(command, RemoveTrack)}
        live = {track.track_id for track in self.room.meeting.tracks.values() if track.live}
        assert set(added) - removed == live
        opened = {command.transport.transport_id for command in self.room.commands if isinstance(command, OpenTransport)}
        closed = {command.transport_id for command in self.room.commands if isinstance(command, CloseTransport)}
        owners = [place.media._transports._owners for place in self.room.meeting.places.values()]
        assert opened - closed == {transport_id for known in owners for transport_id in known}

    @invariant()
    def the_roster_that_events_tell_is_the_roster_where_nothing_is_hidden(self) -> None:
        """Only additions: who is known must be there, in one's own place or, for hosts, anywhere."""
        meeting = self.room.meeting
        for seat in self.seats():
            known = _told(self.room.inbox[seat.session_id])
            known.discard(seat.participant_id)
            if meeting.is_open:
                assert all(
                    name in meeting.participants and meeting.concerns(seat, meeting.participants[name])  # type: ignore[index]
                    for name in known
                )


def _told(events: list[Event]) -> set[str]:
    """Return whom a client that follows the events has on its roster, after its last `breakout.entered`."""
    known: set[str] = set()
    for event in events:
        match event:
            case messages.BreakoutEntered(_, snapshot):
                known = {info.participant_id for info in snapshot.participants}
            case messages.ParticipantJoined(info) | messages.ParticipantChanged(info):
                known.add(info.participant_id)
            case messages.ParticipantsMoved(infos):
                known |= {info.participant_id for info in infos}
            case messages.ParticipantLeft(participant_id, _):
                known.discard(participant_id)
    return known


Rooms.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRooms = Rooms.TestCase
