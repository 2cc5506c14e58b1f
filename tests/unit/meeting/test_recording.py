"""Who is recorded, decided by each alone and seen by all."""

import pytest
from tests.support.media_rooms import AV_OFFER
from tests.support.meetings import MeetingInMemory

from conclave.media.commands import AddTrack, RemoveTrack, TapTrack
from conclave.meeting import attendance, recording
from conclave.meeting.context import House
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.ids import MeetingId, ParticipantId, RecordingId
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.ports.recorder import NoArchive, NoRecorder
from conclave.signaling import messages
from conclave.signaling.messages import Empty


class MemoryRecorder(NoRecorder):
    """Remembers its orders; `works = False` makes `start` fail."""

    def __init__(self) -> None:
        self.orders: list[tuple[object, ...]] = []
        self.works = True

    def start(self, recording_id: RecordingId, meeting_id: MeetingId, title: str, started_at_s: float) -> None:
        del recording_id
        if not self.works:
            raise Unavailable("recorder", "the disk is full")
        self.orders.append(("start", meeting_id, title, started_at_s))

    def pause(self, recording_id: RecordingId, paused: bool) -> None:
        del recording_id
        self.orders.append(("pause", paused))

    def stop(self, recording_id: RecordingId) -> None:
        del recording_id
        self.orders.append(("stop",))

    def name(self, recording_id: RecordingId, participant_id: ParticipantId, display_name: str) -> None:
        del recording_id
        self.orders.append(("name", participant_id, display_name))

    def speakers(self, recording_id: RecordingId, participant_ids: tuple[ParticipantId, ...]) -> None:
        del recording_id
        self.orders.append(("speakers", participant_ids))


class OneArchive(NoArchive):
    def meeting_of(self, recording_id: RecordingId) -> MeetingId:
        return MeetingId("m" * 16 if recording_id == "o" * 16 else "x" * 16)


class RecordedMeeting(MeetingInMemory):
    def __init__(self) -> None:
        super().__init__()
        self.recorder = MemoryRecorder()
        self.house = House(self.limits, self.entropy, self.invitations, self.house.open_room, self.recorder, OneArchive())
        self.host = self.sit(self.open(), "Host")

    def start(self) -> str:
        return self.ask(self.host.session_id, messages.RecordingStart(id=1), messages.RecordingStarted).recording_id

    def consent(self, who: Participant, granted: bool = True) -> None:
        self.ask(who.session_id, messages.RecordingConsent(id=1, granted=granted), Empty)

    def publish(self, who: Participant) -> None:
        self.ask(who.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published)
        self.ask(who.session_id, messages.VideoPublish(id=1, mid="1"), messages.Published)
        self.ask(who.session_id, messages.PublisherOffer(id=1, sdp=AV_OFFER), messages.SdpAnswer)

    def taps(self) -> dict[str, bool]:
        """Return what is tapped now, by track."""
        seen = {command.track_id: command.recording_id for command in self.commands if isinstance(command, TapTrack)}
        return {track_id: recording_id is not None for track_id, recording_id in seen.items()}

    def types(self) -> list[str]:
        return [event.type for event in self.audited if event.type.startswith("recording")]

    def refused(self, who: Participant, request: messages.Request) -> str:
        with pytest.raises(Refused) as refusal:
            self.ask(who.session_id, request, Empty)
        return refusal.value.code


def test_everybody_is_told_and_asked_and_only_who_starts_is_in_it() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.VIEWER)
    recording_id = meeting.start()
    for seat in (meeting.host, guest):
        (changed,) = meeting.received(seat, messages.RecordingChanged)
        assert (changed.recording.state, changed.recording.recorded) == ("recording", [meeting.host.participant_id])
    assert meeting.received(guest, messages.RecordingConsentRequested) == [messages.RecordingConsentRequested(recording_id)]
    assert meeting.received(meeting.host, messages.RecordingConsentRequested) == []
    assert not guest.info.recorded
    assert meeting.host.info.recorded
    assert meeting.types() == ["recording_started", "recording_consent"]


def test_nothing_of_anybody_is_tapped_before_consent_and_everything_after() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.PARTICIPANT, "Guest")
    meeting.publish(guest)
    meeting.publish(meeting.host)
    meeting.start()
    assert set(meeting.taps()) == meeting.host.track_ids
    meeting.consent(guest)
    assert meeting.taps() == dict.fromkeys(meeting.host.track_ids | guest.track_ids, True)
    assert ("name", guest.participant_id, "Guest") in meeting.recorder.orders


def test_withdrawal_ends_the_taps_at_once_even_without_an_audit_log() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.PARTICIPANT)
    meeting.publish(guest)
    meeting.start()
    meeting.consent(guest)
    meeting.consent(guest, False)
    assert meeting.taps() == dict.fromkeys(guest.track_ids, False)
    assert not guest.info.recorded
    assert meeting.received(meeting.host, messages.RecordingChanged)[-1].recording.recorded == [meeting.host.participant_id]
    meeting.consent(guest)
    assert meeting.taps() == dict.fromkeys(guest.track_ids, True)


def test_tracks_that_begin_later_are_tapped_after_they_were_added() -> None:
    meeting = RecordedMeeting()
    meeting.start()
    meeting.publish(meeting.host)
    kinds = [type(command) for command in meeting.commands if isinstance(command, AddTrack | TapTrack)]
    assert kinds == [AddTrack, TapTrack, AddTrack, TapTrack]
    sources = {command.source for command in meeting.commands if isinstance(command, TapTrack)}
    assert sources == {TrackSource.MICROPHONE, TrackSource.CAMERA}


def test_late_joiners_see_it_in_their_snapshot_and_are_asked() -> None:
    meeting = RecordedMeeting()
    recording_id = meeting.start()
    session_id = meeting.greet(Role.PARTICIPANT)
    joined = meeting.ask(session_id, messages.Join(id=1, display_name="Late"), messages.Joined)
    assert joined.snapshot.recording.state == "recording"
    late = meeting.meeting.participants[ParticipantId(joined.participant_id)]
    meeting.publish(late)
    assert meeting.taps() == {}
    assert meeting.received(late, messages.RecordingConsentRequested) == [messages.RecordingConsentRequested(recording_id)]


def test_who_comes_back_is_asked_again_unless_there_was_an_answer() -> None:
    meeting = RecordedMeeting()
    silent, answered = meeting.join(Role.PARTICIPANT), meeting.join(Role.PARTICIPANT)
    meeting.start()
    meeting.consent(answered, False)
    for seat in (silent, answered):
        meeting.lose(seat)
        meeting.resume(seat)
    assert len(meeting.received(silent, messages.RecordingConsentRequested)) == 2
    assert len(meeting.received(answered, messages.RecordingConsentRequested)) == 1


def test_a_client_without_signaling_cannot_be_asked_and_is_left_out() -> None:
    meeting = RecordedMeeting()
    whip = meeting.join(Role.PARTICIPANT, headless=True)
    meeting.publish(whip)
    meeting.start()
    assert meeting.taps() == {}
    assert meeting.received(whip, messages.RecordingConsentRequested) == []


def test_a_pause_is_told_and_repeating_it_changes_nothing() -> None:
    meeting = RecordedMeeting()
    meeting.start()
    for paused in (True, True, False):
        meeting.ask(meeting.host.session_id, messages.RecordingPause(id=1, paused=paused), Empty)
    states = [event.recording.state for event in meeting.received(meeting.host, messages.RecordingChanged)]
    assert states == ["recording", "paused", "recording"]
    assert [order for order in meeting.recorder.orders if order[0] == "pause"] == [("pause", True), ("pause", False)]


def test_stopping_ends_every_tap_and_tells_everybody() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.VIEWER)
    meeting.publish(meeting.host)
    meeting.start()
    meeting.ask(meeting.host.session_id, messages.RecordingStop(id=1), Empty)
    assert set(meeting.taps().values()) == {False}
    assert meeting.recorder.orders[-1] == ("stop",)
    assert meeting.received(guest, messages.RecordingChanged)[-1].recording == messages.RecordingInfo("off", [])
    assert not meeting.host.info.recorded


def test_a_second_recording_and_orders_without_one_are_conflicts() -> None:
    meeting = RecordedMeeting()
    for request in (
        messages.RecordingPause(id=1, paused=True),
        messages.RecordingStop(id=1),
        messages.RecordingConsent(id=1, granted=True),
    ):
        assert meeting.refused(meeting.host, request) == ErrorCode.CONFLICT
    meeting.start()
    assert meeting.refused(meeting.host, messages.RecordingStart(id=1)) == ErrorCode.CONFLICT


def test_a_recording_that_cannot_be_audited_or_made_does_not_begin() -> None:
    meeting = RecordedMeeting()
    meeting.audit_works = False
    with pytest.raises(Unavailable):
        meeting.start()
    meeting.audit_works = True
    meeting.recorder.works = False
    with pytest.raises(Unavailable):
        meeting.start()
    assert meeting.meeting.recording is None
    assert meeting.recorder.orders == []
    assert meeting.received(meeting.host, messages.RecordingChanged) == []


def test_consent_to_a_recording_that_is_over_is_none_to_the_next() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.PARTICIPANT)
    former = meeting.start()
    meeting.ask(meeting.host.session_id, messages.RecordingStop(id=1), Empty)
    current = meeting.start()
    stale = messages.RecordingConsent(id=1, granted=True, recording_id=former)
    assert meeting.refused(guest, stale) == ErrorCode.CONFLICT
    assert not guest.recorded
    meeting.ask(guest.session_id, messages.RecordingConsent(id=1, granted=True, recording_id=current), Empty)
    assert guest.recorded
    meeting.ask(guest.session_id, messages.RecordingConsent(id=1, granted=False, recording_id=former), Empty)
    assert not guest.recorded


def test_consent_that_cannot_be_audited_is_no_consent() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.PARTICIPANT)
    meeting.start()
    meeting.audit_works = False
    with pytest.raises(Unavailable):
        meeting.consent(guest)
    assert not guest.info.recorded


def test_a_host_who_leaves_passes_the_recording_on_and_is_in_it_no_more() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.PARTICIPANT)
    meeting.start()
    meeting.ask(meeting.host.session_id, messages.Leave(id=1), Empty)
    assert meeting.received(guest, messages.RecordingChanged)[-1].recording.recorded == []
    assert meeting.meeting.recording is not None
    meeting.ask(guest.session_id, messages.RecordingStop(id=1), Empty)


@pytest.mark.parametrize("encoder", [False, True])
def test_with_the_last_who_could_stop_it_a_recording_ends(encoder: bool) -> None:
    meeting = RecordedMeeting()
    viewer = meeting.join(Role.VIEWER)
    if encoder:
        meeting.join(Role.HOST, headless=True)
    meeting.start()
    meeting.ask(meeting.host.session_id, messages.Leave(id=1), Empty)
    assert meeting.meeting.recording is None
    assert meeting.received(viewer, messages.RecordingChanged)[-1].recording.state == "off"
    assert meeting.types()[-1] == "recording_stopped"


def test_a_meeting_that_ends_or_is_opened_anew_is_not_recorded() -> None:
    meeting = RecordedMeeting()
    meeting.publish(meeting.host)
    meeting.start()
    meeting.ask(meeting.host.session_id, messages.MeetingEnd(id=1), Empty)
    assert meeting.recorder.orders[-1] == ("stop",)
    assert meeting.meeting.recording is None


def test_only_speakers_who_agreed_are_noted() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.PARTICIPANT)
    meeting.start()
    context = meeting.change()
    meeting.meeting.main.speakers = (guest.participant_id, meeting.host.participant_id)
    recording.speakers_changed(context)
    assert meeting.recorder.orders[-1] == ("speakers", (meeting.host.participant_id,))


def test_who_speaks_while_agreeing_or_when_a_pause_ends_is_noted_from_then_on() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.PARTICIPANT)
    meeting.start()
    meeting.meeting.main.speakers = (guest.participant_id,)
    meeting.consent(guest)
    assert ("speakers", (guest.participant_id,)) in meeting.recorder.orders
    for paused in (True, False):
        meeting.ask(meeting.host.session_id, messages.RecordingPause(id=1, paused=paused), Empty)
    assert meeting.recorder.orders[-1] == ("speakers", (guest.participant_id,))


def test_a_recorder_that_gives_up_is_told_to_everybody() -> None:
    meeting = RecordedMeeting()
    recording_id = meeting.start()
    context = meeting.change()
    recording.failed(context, RecordingId("another"))
    assert meeting.meeting.recording is not None
    recording.failed(context, RecordingId(recording_id))
    meeting.apply(context)
    assert meeting.received(meeting.host, messages.RecordingChanged)[-1].recording.state == "off"


def test_a_recording_of_this_meeting_is_described_and_anothers_is_not_found() -> None:
    meeting = RecordedMeeting()
    request = messages.RecordingDownload(id=1, recording_id="o" * 16)
    described = meeting.ask(meeting.host.session_id, request, messages.RecordingDescription)
    assert described.path == "/api/v1/recordings/" + "o" * 16
    assert meeting.types() == ["recording_downloaded"]
    assert meeting.refused(meeting.host, messages.RecordingDownload(id=1, recording_id="q" * 16)) == ErrorCode.NOT_FOUND


def test_a_lost_connection_that_does_not_come_back_takes_its_consent_along() -> None:
    meeting = RecordedMeeting()
    guest = meeting.join(Role.PARTICIPANT)
    meeting.start()
    meeting.consent(guest)
    meeting.lose(guest)
    meeting.advance(meeting.limits.resume_grace_s + 1)
    assert meeting.received(meeting.host, messages.RecordingChanged)[-1].recording.recorded == [meeting.host.participant_id]
    assert attendance.next_deadline(meeting.change()) is None or meeting.meeting.recording is not None


# --- breakout rooms -----------------------------------------------------------------------------------------------------


def move(meeting: RecordedMeeting, who: Participant, breakout_id: str | None) -> None:
    meeting.ask(who.session_id, messages.BreakoutEnter(id=1, breakout_id=breakout_id), Empty)
    meeting.ask(who.session_id, messages.BreakoutReady(id=1, moves=who.moves), Empty)


def with_a_room() -> tuple[RecordedMeeting, Participant, str]:
    """Return a recorded meeting, a guest who has agreed and publishes, and the id of an open breakout room."""
    meeting = RecordedMeeting()
    guest = meeting.join(Role.PARTICIPANT, "Guest")
    meeting.publish(guest)
    meeting.start()
    meeting.consent(guest)
    meeting.ask(meeting.host.session_id, messages.BreakoutCreate(id=1, titles=["Red"], self_choose=True), Empty)
    (breakout_id,) = [place.breakout_id for place in meeting.meeting.breakouts if place.breakout_id is not None]
    return meeting, guest, breakout_id


def test_who_goes_into_a_breakout_room_is_not_recorded_there_and_is_again_when_back() -> None:
    meeting, guest, breakout_id = with_a_room()
    before = set(guest.track_ids)
    assert dict.fromkeys(before, True) == meeting.taps()
    move(meeting, guest, breakout_id)
    removed = {command.track_id for command in meeting.commands if isinstance(command, RemoveTrack)}
    assert before <= removed
    meeting.publish(guest)
    assert meeting.taps().keys() == before
    move(meeting, guest, None)
    meeting.publish(guest)
    assert all(meeting.taps()[track_id] for track_id in guest.track_ids)
    assert guest.recorded


def test_consent_given_in_a_breakout_room_taps_nothing_there() -> None:
    meeting, _, breakout_id = with_a_room()
    late = meeting.join(Role.PARTICIPANT, "Late")
    move(meeting, late, breakout_id)
    meeting.publish(late)
    before = meeting.taps()
    meeting.consent(late)
    assert (late.recorded, meeting.taps()) == (True, before)
    meeting.consent(late, granted=False)
    assert meeting.taps() == before
    meeting.consent(late)
    move(meeting, late, None)
    meeting.publish(late)
    assert all(meeting.taps()[track_id] for track_id in late.track_ids)


def test_who_speaks_in_a_breakout_room_is_not_in_the_list_of_turns() -> None:
    meeting, guest, breakout_id = with_a_room()
    move(meeting, guest, breakout_id)
    meeting.meeting.places[guest.breakout_id].speakers = (guest.participant_id,)
    recording.speakers_changed(meeting.change())
    assert meeting.recorder.orders[-1] == ("speakers", ())


def test_a_recording_goes_on_and_ends_while_people_are_in_breakout_rooms() -> None:
    meeting, guest, breakout_id = with_a_room()
    move(meeting, guest, breakout_id)
    meeting.publish(guest)
    meeting.ask(meeting.host.session_id, messages.RecordingStop(id=1), Empty)
    assert meeting.received(guest, messages.RecordingChanged)[-1].recording.state == "off"
    assert meeting.recorder.orders[-1] == ("stop",)
