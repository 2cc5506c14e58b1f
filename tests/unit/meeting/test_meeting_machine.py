"""Random meetings: whatever the order of joining, leaving, publishing, losing connections and ending, the rules hold."""

from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.media.commands import AddTrack, CloseTransport, OpenTransport, RemoveTrack
from conclave.meeting.state import Participant
from conclave.model.errors import Refused
from conclave.model.ids import SessionId
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.policy.rules import MeetingState
from conclave.signaling import messages

MAX_PARTICIPANTS = 6


class Meetings(RuleBasedStateMachine):
    """`former` are sessions that lost their seat; `had_host` says that somebody who can be host was led by one."""

    def __init__(self) -> None:
        super().__init__()
        self.room = MeetingInMemory(Limits(waiting_room=False, max_participants=MAX_PARTICIPANTS))
        self.former: dict[SessionId, int] = {}
        self.led = False

    @initialize()
    def open(self) -> None:
        self.room.open()

    def seats(self) -> list[Participant]:
        return list(self.room.meeting.participants.values())

    def pick(self, data: st.DataObject) -> Participant:
        return data.draw(st.sampled_from(self.seats()))

    def is_active(self) -> bool:
        return self.room.meeting.state is MeetingState.ACTIVE

    def has_seats(self) -> bool:
        return self.is_active() and bool(self.room.meeting.participants)

    def note_departures(self, before: list[Participant]) -> None:
        for seat in before:
            if self.room.meeting.seat_of(seat.session_id) is None:
                self.former[seat.session_id] = len(self.room.inbox[seat.session_id])

    @precondition(is_active)
    @rule(role=st.sampled_from(Role), headless=st.booleans())
    def join(self, role: Role, headless: bool) -> None:
        full = len(self.seats()) >= MAX_PARTICIPANTS
        try:
            self.room.join(role, headless=headless)
        except Refused:
            assert full
        else:
            assert not full

    @precondition(has_seats)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        before = self.seats()
        self.room.ask(self.pick(data).session_id, messages.Leave(id=1), messages.Empty)
        self.note_departures(before)

    @precondition(has_seats)
    @rule(data=st.data(), kinds=st.lists(st.sampled_from(["audio", "video"]), min_size=1, max_size=3))
    def publish(self, data: st.DataObject, kinds: list[str]) -> None:
        who = self.pick(data)
        with suppress(Refused):
            for mid, kind in enumerate(kinds):
                declare = messages.AudioPublish if kind == "audio" else messages.VideoPublish
                self.room.ask(who.session_id, declare(id=1, mid=str(mid)), messages.Published)
            self.room.ask(who.session_id, messages.PublisherOffer(id=2, sdp=offer(*kinds)), messages.SdpAnswer)

    @precondition(has_seats)
    @rule(data=st.data(), muted=st.booleans())
    def mute(self, data: st.DataObject, muted: bool) -> None:
        who = self.pick(data)
        for track_id in sorted(self.room.meeting.tracks):
            with suppress(Refused):
                self.room.ask(who.session_id, messages.AudioMute(id=1, track_id=track_id, muted=muted), messages.Empty)
                assert self.room.meeting.tracks[track_id].participant_id == who.participant_id

    @precondition(has_seats)
    @rule(data=st.data())
    def unpublish(self, data: st.DataObject) -> None:
        who = self.pick(data)
        for track_id in sorted(self.room.meeting.tracks):
            with suppress(Refused):
                self.room.ask(who.session_id, messages.Unpublish(id=1, track_id=track_id), messages.Empty)

    @precondition(has_seats)
    @rule(data=st.data())
    def subscribe(self, data: st.DataObject) -> None:
        who = self.pick(data)
        live = [track.track_id for track in self.room.meeting.tracks.values() if track.live]
        for track_id in live:
            with suppress(Refused):
                self.room.ask(who.session_id, messages.Subscribe(id=1, track_ids=[track_id]), messages.Empty)

    @precondition(has_seats)
    @rule(data=st.data())
    def pass_on(self, data: st.DataObject) -> None:
        who, heir = self.pick(data), self.pick(data)
        was_host = who.role is Role.HOST
        with suppress(Refused):
            self.room.ask(who.session_id, messages.HostPass(id=1, participant_id=heir.participant_id), messages.Empty)
            assert was_host
            assert (who.role, heir.role) == (Role.CO_HOST, Role.HOST)

    @precondition(has_seats)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        before = self.seats()
        self.room.lose(self.pick(data))
        self.note_departures(before)

    @precondition(has_seats)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        self.room.resume(self.pick(data))

    @precondition(is_active)
    @rule(seconds=st.sampled_from([0.05, 1.0, 16.0, 31.0, 61.0]))
    def wait(self, seconds: float) -> None:
        before = self.seats()
        self.room.advance(seconds)
        self.note_departures(before)

    @precondition(has_seats)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        before, who = self.seats(), self.pick(data)
        was_host = who.role is Role.HOST
        with suppress(Refused):
            self.room.ask(who.session_id, messages.MeetingEnd(id=1), messages.Empty)
            assert was_host
        self.note_departures(before)

    @precondition(lambda self: not self.is_active())
    @rule()
    def reopen(self) -> None:
        before = self.seats()
        self.room.open()
        self.note_departures(before)

    @invariant()
    def no_meeting_loses_its_last_host_while_somebody_could_be_it(self) -> None:
        if not self.has_seats():
            self.led = False
            return
        has_host = any(self.room.meeting.hosts())
        can_lead = any(seat.role is not Role.VIEWER and not seat.headless for seat in self.seats())
        assert has_host or not (self.led and can_lead)
        self.led = has_host or (self.led and can_lead)

    @invariant()
    def every_track_has_an_owner_who_may_publish(self) -> None:
        meeting = self.room.meeting
        owned = {track_id for seat in self.seats() for track_id in seat.track_ids}
        assert owned == meeting.tracks.keys()
        assert all(track.track_id in meeting.participants[track.participant_id].track_ids for track in meeting.tracks.values())

    @invariant()
    def whoever_has_no_seat_hears_nothing_but_that_the_meeting_opens(self) -> None:
        for session_id, length in self.former.items():
            later = self.room.inbox[session_id][length:]
            assert all(isinstance(event, messages.MeetingOpened) for event in later)

    @invariant()
    def the_plane_holds_exactly_the_live_tracks(self) -> None:
        held: set[str] = set()
        for command in self.room.commands:
            match command:
                case AddTrack(spec):
                    held.add(spec.track_id)
                case RemoveTrack(track_id):
                    held.remove(track_id)
        assert held == {track.track_id for track in self.room.meeting.tracks.values() if track.live}

    @invariant()
    def transports_are_open_only_for_those_who_have_a_seat(self) -> None:
        opened = {command.transport.transport_id for command in self.room.commands if isinstance(command, OpenTransport)}
        closed = {command.transport_id for command in self.room.commands if isinstance(command, CloseTransport)}
        assert len(opened - closed) <= 2 * len(self.seats())
        assert self.is_active() or opened == closed

    @invariant()
    def nobody_gets_the_host_role_as_a_headless_participant(self) -> None:
        raised = {event.participant_id for event in self.room.audited if event.details.get("how") in ("passed", "inherited")}
        hosts = {seat.participant_id for seat in self.room.meeting.hosts() if seat.headless}
        assert not hosts & raised

    @invariant()
    def the_roster_that_events_tell_is_the_roster(self) -> None:
        for seat in self.seats():
            known = {seat.participant_id}
            for event in self.room.inbox[seat.session_id]:
                match event:
                    case messages.ParticipantLeft(participant_id, _):
                        known.discard(participant_id)
                    case messages.ParticipantJoined(info):
                        known.add(info.participant_id)  # type: ignore[arg-type]
            assert known <= self.room.meeting.participants.keys() or not self.is_active()


Meetings.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMeetings = Meetings.TestCase
