from conclave.identity.invitations import Claims
from conclave.meeting.state import Meeting, Participant, Track
from conclave.model.ids import MeetingId, ParticipantId, SessionId, TrackId
from conclave.model.media import MediaKind, TrackSource
from conclave.model.roles import Role


def seat(name: str, jti: str = "j") -> Participant:
    claims = Claims(sub="m" * 16, role=Role.HOST, jti=jti, iat=0, nbf=0, exp=1)
    return Participant(
        participant_id=ParticipantId("p" + name),
        session_id=SessionId("s" + name),
        claims=claims,
        display_name=name,
        role=Role.HOST,
    )


def test_seats_are_found_by_session_and_counted_by_invitation() -> None:
    meeting = Meeting(MeetingId("m"))
    first, second = seat("a"), seat("b")
    meeting.seat(first)
    meeting.seat(second)
    assert meeting.seat_of(SessionId("sa")) is first
    assert meeting.seat_of(SessionId("sx")) is None
    assert meeting.seats_taken_by("j") == 2
    assert list(meeting.sessions) == ["sa", "sb"]


def test_an_unseated_participant_leaves_nothing_behind() -> None:
    meeting = Meeting(MeetingId("m"))
    participant = seat("a")
    meeting.seat(participant)
    meeting.add_track(
        Track(track_id=TrackId("t"), participant_id=participant.participant_id, source=TrackSource.CAMERA, live=True)
    )
    meeting.unseat(participant, 5.0)
    assert (meeting.participants, meeting.tracks, list(meeting.sessions), meeting.empty_since) == ({}, {}, [], 5.0)


def test_a_track_says_what_it_is() -> None:
    info = Track(track_id=TrackId("t"), participant_id=ParticipantId("p"), source=TrackSource.SCREEN_AUDIO).info
    assert (info.kind, info.muted) == (MediaKind.AUDIO, False)


def test_removing_an_unknown_track_is_harmless() -> None:
    assert Meeting(MeetingId("m")).remove_track(TrackId("t")) is None


def test_two_seats_do_not_share_their_tracks() -> None:
    first, second = seat("a"), seat("b")
    first.track_ids.add(TrackId("t"))
    assert second.track_ids == set()


def test_a_meetings_representation_holds_no_names() -> None:
    meeting = Meeting(MeetingId("m"))
    meeting.seat(seat("Ada Lovelace"))
    assert "Ada" not in repr(meeting)
