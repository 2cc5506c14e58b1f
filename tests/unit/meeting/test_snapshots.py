import pytest
from tests.support.breakouts import Breakouts

from conclave.meeting.snapshots import breakout_infos, closes_in_s, snapshot_for, snapshots_for
from conclave.model.roles import Role
from conclave.signaling import messages


def test_a_snapshot_shows_the_tracks_and_people_of_the_viewers_place_alone() -> None:
    room = Breakouts("Red", "Blue")
    red, blue = room.ids
    one, two = room.inside(red, name="One"), room.inside(blue, name="Two")
    track, _ = room.publish(one), room.publish(two)
    snapshot = snapshot_for(room.change(), one, room.now)
    assert [info.track_id for info in snapshot.tracks] == [track]
    assert [info.participant_id for info in snapshot.participants] == [one.participant_id]


def test_a_hosts_snapshot_has_everybody_and_the_tracks_of_its_place() -> None:
    room = Breakouts("Red")
    guest = room.inside(room.ids[0])
    room.publish(guest)
    snapshot = snapshot_for(room.change(), room.host, room.now)
    places = {info.participant_id: info.breakout_id for info in snapshot.participants}
    assert places == {room.host.participant_id: None, guest.participant_id: room.ids[0]}
    assert snapshot.tracks == []


def test_the_rooms_are_listed_in_the_order_of_their_opening_with_how_many_are_in() -> None:
    room = Breakouts("Red", "Blue")
    room.inside(room.ids[1])
    assert [(info.title, info.participants) for info in breakout_infos(room.meeting)] == [("Red", 0), ("Blue", 1)]


def test_the_countdown_is_in_whole_seconds_and_never_negative() -> None:
    room = Breakouts("Red")
    assert closes_in_s(room.meeting, room.now) is None
    room.close_rooms(10)
    assert [closes_in_s(room.meeting, room.now + later) for later in (0, 0.5, 9.9, 11)] == [10, 10, 1, 0]


def test_a_snapshot_of_an_ended_meeting_is_empty_of_media() -> None:
    room = Breakouts()
    guest = room.join(Role.PARTICIPANT)
    room.meeting.places.clear()
    snapshot = snapshot_for(room.change(), guest, room.now)
    assert (snapshot.slots, snapshot.active_speakers, snapshot.breakouts) == ([], [], [])


@pytest.mark.parametrize("roster", [True, False])
def test_snapshots_made_together_are_those_made_one_by_one(roster: bool) -> None:
    room = Breakouts("Red", "Blue")
    for breakout_id in (*room.ids, None):
        for role in Role:
            room.inside(breakout_id, role)
        room.publish(room.inside(breakout_id))
    room.ask(room.host.session_id, messages.MeetingModify(id=1, roster=roster), messages.Empty)
    viewers = list(room.meeting.participants.values())
    context = room.change()
    together = list(snapshots_for(context, viewers, room.now))
    assert together == [snapshot_for(context, viewer, room.now) for viewer in viewers]
    for viewer, snapshot in zip(viewers, together, strict=True):
        seen = {other.participant_id for other in viewers if room.meeting.sees(viewer, other)}
        assert {info.participant_id for info in snapshot.participants} == seen
