"""The end of breakout rooms: by a countdown, at once, with the meeting."""

from tests.support.breakouts import Breakouts, open_transports, refusal

from conclave.media.commands import AddTrack, RemoveTrack
from conclave.meeting.snapshots import snapshot_for
from conclave.model.errors import ErrorCode
from conclave.model.ids import TrackId
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.policy.rules import Phase
from conclave.signaling import messages


def test_a_countdown_is_told_to_all_and_at_its_end_everybody_is_back() -> None:
    room = Breakouts("Red", "Blue")
    one, two = room.inside(room.ids[0]), room.inside(room.ids[1])
    room.forget()
    room.close_rooms(30)
    for who in (room.host, one, two):
        assert room.received(who, messages.BreakoutsChanged)[-1].closes_in_s == 30
    room.advance(29.9)
    assert (one.breakout_id, two.breakout_id) != (None, None)
    assert snapshot_for(room.change(), one, room.now).closes_in_s == 1
    room.advance(0.2)
    assert (one.breakout_id, two.breakout_id, room.meeting.breakouts) == (None, None, [])
    assert room.received(one, messages.BreakoutEntered)[-1].breakout_id is None
    assert room.received(one, messages.BreakoutsChanged)[-1] == messages.BreakoutsChanged([], False, None)
    assert room.audited[-1].type == "breakouts_closed"


def test_with_no_countdown_everybody_is_back_at_once_and_told_of_the_others_by_one_event() -> None:
    room = Breakouts("Red", "Blue")
    stays = room.join(Role.PARTICIPANT)
    back = [room.inside(room.ids[number % 2]) for number in range(6)]
    room.forget()
    room.close_rooms()
    (moved,) = room.received(stays, messages.ParticipantsMoved)
    assert moved.participants == [seat.info for seat in back]
    for seat in back:
        assert room.events(seat) == ["breakout.entered", "breakouts.changed"]
        snapshot = room.received(seat, messages.BreakoutEntered)[0].snapshot
        assert (len(snapshot.participants), snapshot.breakouts) == (8, [])


def test_while_the_countdown_runs_nobody_goes_in_and_everybody_may_go_back() -> None:
    room = Breakouts("Red", self_choose=True)
    red = room.ids[0]
    guest, outside, helper = room.inside(red), room.join(Role.PARTICIPANT), room.join(Role.CO_HOST)
    room.close_rooms(60)
    for who in (outside, helper):
        assert refusal(room, who, messages.BreakoutEnter(id=1, breakout_id=red)) == ErrorCode.FORBIDDEN
    manage = messages.BreakoutManage(id=1, participant_id=outside.participant_id, breakout_id=red)
    assert refusal(room, room.host, manage) == ErrorCode.FORBIDDEN
    assert refusal(room, room.host, messages.BreakoutCreate(id=1, titles=["Late"])) == ErrorCode.FORBIDDEN
    room.enter(guest, None)


def test_a_second_close_sets_the_countdown_anew() -> None:
    room = Breakouts("Red")
    guest = room.inside(room.ids[0])
    room.close_rooms(10)
    room.advance(5)
    room.close_rooms(60)
    room.advance(30)
    assert guest.breakout_id is not None
    room.close_rooms(5)
    room.advance(5)
    assert guest.breakout_id is None


def test_rooms_that_were_closed_can_be_opened_anew_without_the_old_assignments() -> None:
    room = Breakouts("Red", self_choose=True)
    guest = room.inside(room.ids[0])
    room.close_rooms()
    room.create("Blue")
    assert (guest.assigned, room.meeting.self_choose, room.meeting.closes_at) == (None, False, None)
    assert refusal(room, guest, messages.BreakoutEnter(id=1, breakout_id=room.ids[0])) == ErrorCode.FORBIDDEN


def test_a_suspended_meeting_calls_nobody_back_before_it_goes_on() -> None:
    room = Breakouts("Red")
    guest = room.inside(room.ids[0])
    track = room.publish(guest)
    room.close_rooms(10)
    room.ask(room.host.session_id, messages.MeetingSuspend(id=1), messages.Empty)
    assert room.meeting.tracks[track].muted
    room.advance(20)
    assert guest.breakout_id is not None
    room.ask(room.host.session_id, messages.MeetingResume(id=1), messages.Empty)
    room.advance(0)
    assert guest.breakout_id is None


def test_closing_leaves_no_transport_and_no_track_open() -> None:
    room = Breakouts("Red", "Blue")
    for breakout_id in room.ids:
        for _ in range(2):
            guest = room.sit(room.greet(Role.PARTICIPANT), auto_subscribe=True)
            room.manage(guest, breakout_id)
            room.publish(guest)
    assert len(open_transports(room)) == 8
    room.close_rooms()
    added = {command.spec.track_id for command in room.commands if isinstance(command, AddTrack)}
    removed = {command.track_id for command in room.commands if isinstance(command, RemoveTrack)}
    assert (open_transports(room), added - removed) == (set(), set())


def test_the_end_of_the_meeting_ends_all_rooms_with_everything_in_them() -> None:
    room = Breakouts("Red")
    guest = room.inside(room.ids[0])
    room.publish(guest)
    room.publish(room.host)
    room.ask(room.host.session_id, messages.MeetingEnd(id=1), messages.Empty)
    assert (open_transports(room), room.meeting.places, room.meeting.tracks) == (set(), {}, {})
    assert (guest.breakout_id, guest.track_ids) == (None, set())
    assert room.standing(guest.session_id).phase is Phase.JOINED


def test_who_does_not_come_back_in_time_leaves_its_room() -> None:
    room = Breakouts("Red")
    guest, beside = room.inside(room.ids[0]), room.inside(room.ids[0])
    room.publish(guest)
    room.lose(guest)
    room.advance(Limits().resume_grace_s)
    assert room.received(beside, messages.ParticipantLeft)[-1] == messages.ParticipantLeft(guest.participant_id, "lost")
    assert room.received(beside, messages.BreakoutsChanged)[-1].breakouts[0].participants == 1
    assert room.meeting.tracks == {}


def test_a_track_id_is_of_no_use_after_coming_back_either() -> None:
    room = Breakouts("Red")
    guest, outside = room.inside(room.ids[0]), room.join(Role.PARTICIPANT)
    track: TrackId = room.publish(guest)
    room.close_rooms()
    assert refusal(room, outside, messages.Subscribe(id=1, track_ids=[track])) == ErrorCode.NOT_FOUND
