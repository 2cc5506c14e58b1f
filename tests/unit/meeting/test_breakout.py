from itertools import product

import pytest
from tests.support.breakouts import Breakouts, open_transports, refusal
from tests.support.offers import answer

from conclave.media.commands import RemoveTrack
from conclave.meeting.snapshots import snapshot_for
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Unavailable
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.policy.rules import Phase
from conclave.signaling import messages
from conclave.signaling.messages import MESSAGES, Request

PLACE_EVENTS = {
    "participant.joined", "participant.left", "participant.changed", "participants.moved", "track.published",
    "track.unpublished", "track.changed", "speakers.active", "reaction", "subscriber.offer", "subscriber.slots",
}  # fmt: skip


# --- opening ------------------------------------------------------------------------------------------------------------


def test_everybody_is_told_which_rooms_are_open() -> None:
    room = Breakouts()
    guest = room.join(Role.VIEWER)
    room.create("Red", "Blue", self_choose=True)
    (told,) = room.received(guest, messages.BreakoutsChanged)
    assert [(info.title, info.participants) for info in told.breakouts] == [("Red", 0), ("Blue", 0)]
    assert (told.self_choose, told.closes_in_s) == (True, None)
    assert room.received(room.host, messages.BreakoutsChanged) == [told]


def test_rooms_can_be_added_to_those_that_are_open_until_there_are_fifty() -> None:
    room = Breakouts(*(f"Room {number}" for number in range(49)))
    room.create("Fiftieth")
    assert len(room.meeting.breakouts) == Limits().max_breakouts == 50
    assert refusal(room, room.host, messages.BreakoutCreate(id=1, titles=["Another"])) == ErrorCode.TOO_LARGE
    assert len(room.meeting.breakouts) == 50


def test_a_title_is_made_safe_to_show_and_needs_something_to_see() -> None:
    room = Breakouts("Red\u202e  room")
    assert [info.title for info in room.received(room.host, messages.BreakoutsChanged)[-1].breakouts] == ["Red room"]
    assert refusal(room, room.host, messages.BreakoutCreate(id=1, titles=["Blue", "\u200b"])) == ErrorCode.INVALID
    assert refusal(room, room.host, messages.BreakoutCreate(id=1, titles=["x" * 65])) == ErrorCode.TOO_LARGE
    assert len(room.meeting.breakouts) == 1


def test_nothing_opens_when_it_cannot_be_recorded() -> None:
    room = Breakouts()
    room.audit_works = False
    with pytest.raises(Unavailable):
        room.create("Red")
    assert room.meeting.breakouts == []


# --- going in and out ---------------------------------------------------------------------------------------------------


def test_participants_choose_a_room_only_where_they_may_or_were_assigned() -> None:
    room = Breakouts("Red", "Blue")
    red, blue = room.ids
    guest = room.join(Role.PARTICIPANT)
    assert refusal(room, guest, messages.BreakoutEnter(id=1, breakout_id=red)) == ErrorCode.FORBIDDEN
    room.manage(guest, red)
    room.enter(guest, None)
    room.enter(guest, red)
    assert refusal(room, guest, messages.BreakoutEnter(id=1, breakout_id=blue)) == ErrorCode.FORBIDDEN
    room.create("Green", self_choose=True)
    room.enter(guest, blue)
    assert guest.breakout_id == blue


def test_who_was_called_back_by_a_host_is_assigned_no_more() -> None:
    room = Breakouts("Red")
    guest = room.inside(room.ids[0])
    room.manage(guest, None)
    assert refusal(room, guest, messages.BreakoutEnter(id=1, breakout_id=room.ids[0])) == ErrorCode.FORBIDDEN


@pytest.mark.parametrize("role", [Role.HOST, Role.CO_HOST])
def test_hosts_and_co_hosts_enter_every_room(role: Role) -> None:
    room = Breakouts("Red", "Blue")
    helper = room.join(role)
    for breakout_id in (*room.ids, None):
        room.enter(helper, breakout_id)
        assert helper.breakout_id == breakout_id


def test_a_viewer_enters_as_a_receiver() -> None:
    room = Breakouts("Red", self_choose=True)
    viewer = room.join(Role.VIEWER)
    room.enter(viewer, room.ids[0])
    track = room.publish(room.inside(room.ids[0]))
    room.ask(viewer.session_id, messages.Subscribe(id=1, track_ids=[track]), messages.Empty)
    assert room.received(viewer, messages.SubscriberOffer)
    assert refusal(room, viewer, messages.AudioPublish(id=1, mid="0")) == ErrorCode.UNAUTHORIZED


def test_a_room_that_is_not_open_is_not_found() -> None:
    room = Breakouts("Red")
    other = room.join(Role.PARTICIPANT)
    unknown = "x" * 16
    assert refusal(room, room.host, messages.BreakoutEnter(id=1, breakout_id=unknown)) == ErrorCode.NOT_FOUND
    manage = messages.BreakoutManage(id=1, participant_id=other.participant_id, breakout_id=unknown)
    assert refusal(room, room.host, manage) == ErrorCode.NOT_FOUND


def test_going_where_one_is_already_changes_nothing() -> None:
    room = Breakouts("Red")
    guest = room.inside(room.ids[0])
    room.forget()
    room.enter(guest, room.ids[0])
    room.manage(guest, room.ids[0])
    assert (guest.moves, room.events(guest), room.events(room.host)) == (1, [], [])


def test_nobody_is_held_in_a_room_by_an_audit_log_that_fails() -> None:
    room = Breakouts("Red")
    guest = room.inside(room.ids[0])
    room.audit_works = False
    room.enter(guest, None)
    assert guest.breakout_id is None


def test_only_a_host_moves_a_host() -> None:
    room = Breakouts("Red")
    helper = room.join(Role.CO_HOST)
    manage = messages.BreakoutManage(id=1, participant_id=room.host.participant_id, breakout_id=room.ids[0])
    assert refusal(room, helper, manage) == ErrorCode.FORBIDDEN
    other = room.join(Role.HOST)
    room.manage(room.host, room.ids[0], by=other)
    assert room.host.breakout_id == room.ids[0]


def test_a_client_without_signaling_stays_in_the_main_room() -> None:
    room = Breakouts("Red", self_choose=True)
    encoder = room.join(Role.PARTICIPANT, headless=True)
    manage = messages.BreakoutManage(id=1, participant_id=encoder.participant_id, breakout_id=room.ids[0])
    assert refusal(room, room.host, manage) == ErrorCode.FORBIDDEN
    assert refusal(room, encoder, messages.BreakoutEnter(id=1, breakout_id=room.ids[0])) == ErrorCode.FORBIDDEN
    assert encoder.breakout_id is None


def test_whoever_joins_comes_into_the_main_room() -> None:
    room = Breakouts("Red", self_choose=True)
    guest = room.join(Role.PARTICIPANT)
    assert guest.breakout_id is None
    assert room.standing(guest.session_id).phase is Phase.JOINED
    room.enter(guest, room.ids[0])
    assert room.standing(guest.session_id).phase is Phase.BREAKOUT


def test_every_move_is_on_record() -> None:
    room = Breakouts("Red")
    guest = room.inside(room.ids[0])
    room.enter(guest, None)
    moves = [event for event in room.audited if event.type == "participant_moved"]
    assert [event.participant_id for event in moves] == [guest.participant_id] * 2
    assert [event.details["by"] for event in moves] == [room.host.participant_id, guest.participant_id]


def test_going_to_and_fro_is_bounded_as_hands_and_reactions_are() -> None:
    assert MESSAGES[messages.BreakoutEnter].rate is MESSAGES[messages.HandRaise].rate


def test_a_guest_who_is_admitted_by_a_co_host_in_a_breakout_room_comes_into_the_main_room() -> None:
    room = Breakouts("Red")
    helper = room.inside(room.ids[0], Role.CO_HOST)
    room.ask(room.host.session_id, messages.MeetingModify(id=1, waiting_room=True), messages.Empty)
    waiting = room.greet(Role.PARTICIPANT)
    room.ask(waiting, messages.Join(id=1, display_name="Guest"), messages.Joined)
    (guest,) = room.received(helper, messages.LobbyChanged)[-1].guests
    room.ask(helper.session_id, messages.ParticipantAdmit(id=1, guest_id=guest.guest_id), messages.Empty)
    assert room.sit(waiting).breakout_id is None


# --- what a move does ---------------------------------------------------------------------------------------------------


def test_a_move_ends_all_media_of_who_moves_and_nothing_of_the_others() -> None:
    room = Breakouts("Red")
    guest = room.sit(room.greet(Role.PARTICIPANT), auto_subscribe=True)
    kept = room.publish(room.host)
    lost = room.publish(guest)
    assert len(open_transports(room)) == 3
    room.manage(guest, room.ids[0])
    assert guest.track_ids == set()
    assert set(room.meeting.tracks) == {kept}
    assert RemoveTrack(lost) in room.commands
    assert refusal(room, guest, messages.AudioMute(id=1, track_id=lost, muted=False)) == ErrorCode.NOT_FOUND
    assert refusal(room, guest, messages.Unpublish(id=1, track_id=lost)) == ErrorCode.NOT_FOUND


def test_who_stays_behind_sees_somebody_leave_and_who_is_there_sees_somebody_come() -> None:
    room = Breakouts("Red")
    stays, goes, there = room.join(Role.PARTICIPANT), room.join(Role.PARTICIPANT, "Bob"), room.inside(room.ids[0])
    track = room.publish(goes)
    room.forget()
    room.manage(goes, room.ids[0])
    assert room.events(stays) == ["track.unpublished", "participant.left", "breakouts.changed"]
    assert room.received(stays, messages.TrackUnpublished) == [messages.TrackUnpublished(track)]
    assert room.received(stays, messages.ParticipantLeft) == [messages.ParticipantLeft(goes.participant_id, "moved")]
    assert room.events(there) == ["participants.moved", "breakouts.changed"]
    assert room.received(there, messages.ParticipantsMoved) == [messages.ParticipantsMoved([goes.info])]


def test_hosts_and_co_hosts_keep_everybody_on_their_roster_with_the_place() -> None:
    room = Breakouts("Red", "Blue")
    red, blue = room.ids
    helper = room.inside(blue, Role.CO_HOST)
    guest = room.join(Role.PARTICIPANT)
    room.forget()
    room.manage(guest, red)
    for watcher in (room.host, helper):
        assert not room.received(watcher, messages.ParticipantLeft)
        (moved,) = room.received(watcher, messages.ParticipantsMoved)
        assert [(info.participant_id, info.breakout_id) for info in moved.participants] == [(guest.participant_id, red)]
    room.ask(guest.session_id, messages.HandRaise(id=1, raised=True), messages.Empty)
    assert room.received(helper, messages.ParticipantChanged)[-1].participant.hand_raised


def test_who_moves_gets_the_state_of_the_new_place_and_nothing_of_the_old() -> None:
    room = Breakouts("Red")
    there = room.inside(room.ids[0], name="Bob")
    track = room.publish(there)
    guest = room.sit(room.greet(Role.PARTICIPANT), auto_subscribe=True)
    room.publish(room.host)
    room.forget()
    room.manage(guest, room.ids[0])
    assert room.events(guest)[0] == "breakout.entered"
    assert "track.unpublished" not in room.events(guest)
    (entered,) = room.received(guest, messages.BreakoutEntered)
    assert (entered.breakout_id, entered.snapshot.breakout_id, entered.snapshot.moves) == (room.ids[0], room.ids[0], 1)
    assert [info.track_id for info in entered.snapshot.tracks] == [track]
    assert {info.participant_id for info in entered.snapshot.participants} == {there.participant_id, guest.participant_id}
    assert entered.snapshot.slots == []


def test_after_being_ready_the_subscriptions_of_the_new_place_begin() -> None:
    room = Breakouts("Red")
    track = room.publish(room.inside(room.ids[0]))
    guest = room.sit(room.greet(Role.PARTICIPANT), auto_subscribe=True)
    move = messages.BreakoutManage(id=1, participant_id=guest.participant_id, breakout_id=room.ids[0])
    room.forget()
    room.ask(room.host.session_id, move, messages.Empty)
    assert not room.received(guest, messages.SubscriberOffer)
    room.ready(guest)
    (offered,) = room.received(guest, messages.SubscriberOffer)
    taken = messages.SubscriberAnswer(id=1, revision=offered.revision, sdp=answer(offered.sdp))
    room.ask(guest.session_id, taken, messages.Empty)
    assert [slot.track_id for slot in room.received(guest, messages.SubscriberSlots)[-1].slots if slot.track_id] == [track]
    before = len(room.commands)
    room.ready(guest)
    assert len(room.commands) == before


CROSSING: list[Request] = [
    messages.AudioPublish(id=1, mid="0"),
    messages.VideoPublish(id=1, mid="0"),
    messages.ScreenPublish(id=1, mid="0"),
    messages.PublisherOffer(id=1, sdp="v=0"),
    messages.Subscribe(id=1, track_ids=["t" * 16]),
    messages.Unsubscribe(id=1, track_ids=["t" * 16]),
    messages.SubscriberAnswer(id=1, revision=1, sdp="v=0"),
    messages.SubscriberRestart(id=1),
    messages.PlaybackOffer(id=1, sdp="v=0"),
]


@pytest.mark.parametrize("request_", CROSSING, ids=lambda request: messages.type_of(type(request)))
def test_what_was_meant_for_the_old_place_has_no_effect_in_the_new_one(request_: Request) -> None:
    room = Breakouts("Red")
    guest = room.sit(room.greet(Role.PARTICIPANT), auto_subscribe=True)
    move = messages.BreakoutManage(id=1, participant_id=guest.participant_id, breakout_id=room.ids[0])
    room.ask(room.host.session_id, move, messages.Empty)
    before = len(room.commands)
    assert refusal(room, guest, request_) == ErrorCode.CONFLICT
    assert (len(room.commands), room.meeting.tracks) == (before, {})


def test_being_ready_for_an_earlier_move_is_refused() -> None:
    room = Breakouts("Red", "Blue")
    guest = room.inside(room.ids[0])
    move = messages.BreakoutManage(id=1, participant_id=guest.participant_id, breakout_id=room.ids[1])
    room.ask(room.host.session_id, move, messages.Empty)
    assert refusal(room, guest, messages.BreakoutReady(id=1, moves=1)) == ErrorCode.CONFLICT
    assert refusal(room, guest, messages.AudioPublish(id=1, mid="0")) == ErrorCode.CONFLICT
    room.ready(guest)
    room.publish(guest)


def test_role_hard_mutes_permissions_and_the_hand_stay_with_the_seat() -> None:
    room = Breakouts("Red")
    guest = room.join(Role.PARTICIPANT)
    room.ask(guest.session_id, messages.HandRaise(id=1, raised=True), messages.Empty)
    mute = messages.ParticipantMute(id=1, participant_id=guest.participant_id, hard=True)
    room.ask(room.host.session_id, mute, messages.Empty)
    room.manage(guest, room.ids[0])
    assert (guest.role, guest.held, guest.hand_raised) == (Role.PARTICIPANT, {TrackSource.MICROPHONE}, True)
    track = room.publish(guest)
    assert room.meeting.tracks[track].muted
    assert refusal(room, guest, messages.AudioMute(id=1, track_id=track, muted=False)) == ErrorCode.FORBIDDEN


def test_a_lost_connection_learns_at_its_return_that_it_was_moved() -> None:
    room = Breakouts("Red")
    guest = room.join(Role.PARTICIPANT)
    room.lose(guest)
    room.ask(
        room.host.session_id,
        messages.BreakoutManage(id=1, participant_id=guest.participant_id, breakout_id=room.ids[0]),
        messages.Empty,
    )
    room.resume(guest)
    snapshot = snapshot_for(room.change(), guest, room.now)
    assert (snapshot.breakout_id, snapshot.moves) == (room.ids[0], 1)


# --- what stays in its place --------------------------------------------------------------------------------------------


def everything_in(room: Breakouts, who: Participant) -> None:
    """Let somebody do all that others in its place hear of."""
    track = room.publish(who)
    room.ask(who.session_id, messages.AudioMute(id=1, track_id=track, muted=True), messages.Empty)
    room.ask(who.session_id, messages.HandRaise(id=1, raised=True), messages.Empty)
    room.ask(who.session_id, messages.ReactionSend(id=1, reaction="👍"), messages.Empty)
    room.ask(who.session_id, messages.Unpublish(id=1, track_id=track), messages.Empty)
    room.lose(who)
    room.resume(who)


@pytest.mark.parametrize(("where", "listening"), [pair for pair in product((None, 0, 1), repeat=2) if pair[0] != pair[1]])
def test_nothing_that_happens_in_one_place_is_heard_in_another(where: int | None, listening: int | None) -> None:
    room = Breakouts("Red", "Blue")
    actor = room.inside(None if where is None else room.ids[where])
    neighbour = room.inside(None if where is None else room.ids[where])
    listener = room.inside(None if listening is None else room.ids[listening])
    room.forget()
    everything_in(room, actor)
    assert PLACE_EVENTS & set(room.events(neighbour)) == {
        "track.published", "track.changed", "participant.changed", "reaction", "track.unpublished",
    }  # fmt: skip
    assert room.events(listener) == []
    room.ask(actor.session_id, messages.Leave(id=1), messages.Empty)
    assert set(room.events(listener)) <= {"breakouts.changed"}
    assert room.received(neighbour, messages.ParticipantLeft)


@pytest.mark.parametrize("role", list(Role))
def test_no_track_of_another_place_can_be_subscribed_by_anybody(role: Role) -> None:
    room = Breakouts("Red", "Blue")
    main, red = room.publish(room.host), room.publish(room.inside(room.ids[0]))
    outside, inside = room.join(role), room.inside(room.ids[1], role)
    for who, track in ((outside, red), (inside, red), (inside, main)):
        assert refusal(room, who, messages.Subscribe(id=1, track_ids=[track])) == ErrorCode.NOT_FOUND


def test_what_concerns_the_meeting_is_told_in_all_places() -> None:
    room = Breakouts("Red")
    inside, outside = room.inside(room.ids[0]), room.join(Role.PARTICIPANT)
    room.forget()
    room.ask(room.host.session_id, messages.MeetingModify(id=1, title="New"), messages.Empty)
    room.ask(room.host.session_id, messages.BreakoutAnnounce(id=1, text="Five  more minutes"), messages.Empty)
    room.ask(room.host.session_id, messages.MeetingEnd(id=1), messages.Empty)
    for who in (inside, outside):
        assert room.events(who) == ["meeting.changed", "breakout.announced", "meeting.ended"]
        assert room.received(who, messages.BreakoutAnnounced) == [messages.BreakoutAnnounced("Five more minutes", "Ada")]


def test_a_meeting_without_rooms_has_nothing_to_announce_to_and_to_close() -> None:
    room = Breakouts()
    assert refusal(room, room.host, messages.BreakoutAnnounce(id=1, text="Hello")) == ErrorCode.CONFLICT
    assert refusal(room, room.host, messages.BreakoutClose(id=1)) == ErrorCode.CONFLICT


def test_one_screen_share_at_a_time_means_one_in_each_place() -> None:
    room = Breakouts("Red")
    room.ask(room.host.session_id, messages.MeetingModify(id=1, screen_share=messages.ScreenShareMode.ONE), messages.Empty)
    inside, beside = room.inside(room.ids[0]), room.inside(room.ids[0])
    share = messages.ScreenPublish(id=1, mid="0")
    room.ask(room.host.session_id, share, messages.Published)
    room.ask(inside.session_id, share, messages.Published)
    assert refusal(room, beside, share) == ErrorCode.CONFLICT


def test_with_a_hidden_roster_a_newcomer_is_shown_to_hosts_alone() -> None:
    room = Breakouts("Red")
    there = room.inside(room.ids[0])
    room.ask(room.host.session_id, messages.MeetingModify(id=1, roster=False), messages.Empty)
    guest, helper = room.join(Role.PARTICIPANT), room.join(Role.CO_HOST)
    room.forget()
    room.manage(guest, room.ids[0])
    assert not room.received(there, messages.ParticipantsMoved)
    assert room.received(room.host, messages.ParticipantsMoved)
    room.enter(helper, room.ids[0])
    assert room.received(there, messages.ParticipantsMoved) == [messages.ParticipantsMoved([helper.info])]


# --- moderation over places ---------------------------------------------------------------------------------------------


def test_hosts_and_co_hosts_mute_and_remove_in_other_places() -> None:
    room = Breakouts("Red")
    guest, helper = room.inside(room.ids[0]), room.join(Role.CO_HOST)
    track = room.publish(guest)
    mute = messages.ParticipantMute(id=1, participant_id=guest.participant_id)
    room.ask(helper.session_id, mute, messages.Empty)
    assert room.meeting.tracks[track].muted
    room.ask(room.host.session_id, messages.ParticipantRemove(id=1, participant_id=guest.participant_id), messages.Empty)
    assert guest.session_id in room.disconnected
    assert room.meeting.tracks == {}
    assert room.received(room.host, messages.BreakoutsChanged)[-1].breakouts[0].participants == 0


def test_muting_everybody_is_for_ones_own_place() -> None:
    room = Breakouts("Red")
    inside, outside = room.inside(room.ids[0]), room.join(Role.PARTICIPANT)
    heard, silent = room.publish(inside), room.publish(outside)
    room.ask(room.host.session_id, messages.ParticipantsMute(id=1, hard=True), messages.Empty)
    assert (room.meeting.tracks[heard].muted, room.meeting.tracks[silent].muted) == (False, True)
    assert inside.held == set()


def test_whoever_becomes_co_host_gets_the_whole_roster_and_loses_it_with_the_role() -> None:
    room = Breakouts("Red")
    inside, outside = room.inside(room.ids[0]), room.join(Role.PARTICIPANT)
    room.forget()
    promote = messages.ParticipantSetRole(id=1, participant_id=outside.participant_id, role=Role.CO_HOST)
    room.ask(room.host.session_id, promote, messages.Empty)
    known = {event.participant.participant_id for event in room.received(outside, messages.ParticipantChanged)}
    assert inside.participant_id in known
    room.forget()
    demote = messages.ParticipantSetRole(id=1, participant_id=outside.participant_id, role=Role.PARTICIPANT)
    room.ask(room.host.session_id, demote, messages.Empty)
    assert room.received(outside, messages.ParticipantLeft) == [messages.ParticipantLeft(inside.participant_id, "hidden")]


def test_with_a_hidden_roster_who_is_demoted_keeps_nobody_whose_leaving_it_would_not_hear_of() -> None:
    room = Breakouts()
    room.ask(room.host.session_id, messages.MeetingModify(id=1, roster=False), messages.Empty)
    helper, quiet, talker = room.join(Role.CO_HOST), room.join(Role.VIEWER), room.join(Role.PARTICIPANT)
    room.publish(talker)
    room.forget()
    demote = messages.ParticipantSetRole(id=1, participant_id=helper.participant_id, role=Role.PARTICIPANT)
    room.ask(room.host.session_id, demote, messages.Empty)
    assert room.received(helper, messages.ParticipantLeft) == [messages.ParticipantLeft(quiet.participant_id, "hidden")]


def test_a_viewer_made_in_another_place_loses_its_tracks_there() -> None:
    room = Breakouts("Red")
    guest = room.inside(room.ids[0])
    room.publish(guest)
    demote = messages.ParticipantSetRole(id=1, participant_id=guest.participant_id, role=Role.VIEWER)
    room.ask(room.host.session_id, demote, messages.Empty)
    assert (room.meeting.tracks, guest.breakout_id) == ({}, room.ids[0])


def test_the_role_of_the_last_host_passes_on_into_a_breakout_room() -> None:
    room = Breakouts("Red")
    helper = room.inside(room.ids[0], Role.CO_HOST)
    room.ask(room.host.session_id, messages.Leave(id=1), messages.Empty)
    assert (helper.role, helper.breakout_id) == (Role.HOST, room.ids[0])
