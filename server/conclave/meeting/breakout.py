"""Breakout rooms: opening, entering, moving somebody, announcing, calling everybody back.

A move ends all media of who moves and begins anew in the other place; role, hard mutes, permissions and the raised hand stay
with the seat. Who stays behind hears `participant.left`, who is there already `participants.moved`, the mover
`breakout.entered`, and it may use media again once it has answered with `breakout.ready`. Hosts and co-hosts have the roster
of the whole meeting and hear `participants.moved` wherever they are.
"""

from collections import defaultdict
from collections.abc import Sequence

from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.media_facts import collect
from conclave.meeting.names import clean_name
from conclave.meeting.place import Place
from conclave.meeting.snapshots import breakout_infos, closes_in_s, snapshots_for
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import BreakoutId, ParticipantId, new_id
from conclave.model.roles import Role
from conclave.policy.rbac import outranks_or_equals
from conclave.policy.rules import MeetingState
from conclave.signaling.messages import (
    BreakoutAnnounce,
    BreakoutAnnounced,
    BreakoutClose,
    BreakoutCreate,
    BreakoutEnter,
    BreakoutEntered,
    BreakoutManage,
    BreakoutReady,
    BreakoutsChanged,
    Empty,
    ParticipantLeft,
    ParticipantsMoved,
)

MAX_ROOM_TITLE = 64
MAX_ANNOUNCEMENT = 500


def create(call: Call, message: BreakoutCreate, now: float) -> Outcome:
    """Open rooms, beside those that are open. Raises Refused: `too_large` above `max_breakouts`, `forbidden` in a countdown."""
    meeting = call.meeting
    _check_not_closing(call)
    if len(meeting.breakouts) + len(message.titles) > call.house.limits.max_breakouts:
        raise Refused(ErrorCode.TOO_LARGE, f"a meeting has at most {call.house.limits.max_breakouts} breakout rooms")
    titles = [clean_name(title, MAX_ROOM_TITLE) for title in message.titles]

    def apply() -> Empty:
        for title in titles:
            breakout_id = BreakoutId(new_id(call.house.entropy))
            meeting.places[breakout_id] = Place(breakout_id=breakout_id, title=title, media=meeting.main.media.sibling())
        meeting.self_choose = message.self_choose
        tell(call, now)
        return Empty()

    event = call.event("breakouts_opened", call.me, rooms=len(titles), self_choose=message.self_choose)
    return Recorded((event,), apply)


def manage(call: Call, message: BreakoutManage, now: float) -> Outcome:
    """Move somebody at once. Raises Refused: `not_found` for a room that is not open, `forbidden` for a host where the caller is
    none, for a client without signaling, which could not follow, and for a room during the countdown."""
    target = call.meeting.participants[ParticipantId(message.participant_id)]
    place = _destination(call, message.breakout_id)
    if not outranks_or_equals(call.me.role, target.role):
        raise Refused(ErrorCode.FORBIDDEN, "only a host moves a host")
    _check_can_follow(target)
    if place.breakout_id is not None:
        _check_not_closing(call)

    def apply() -> Empty:
        target.assigned = place.breakout_id
        move(call, [target], place, now)
        return Empty()

    me = call.me.participant_id
    return Recorded((call.event("participant_moved", target, to=place.breakout_id or "", by=me),), apply)


def enter(call: Call, message: BreakoutEnter, now: float) -> Outcome:
    """Go into a room, or back. Nobody is held in a room: the way back needs no permission and no audit log.

    Raises Refused: `not_found` for a room that is not open, `forbidden` for who may not choose and was not assigned to it.
    """
    me, place = call.me, _destination(call, message.breakout_id)
    if place.breakout_id == me.breakout_id:
        return Empty()
    _check_can_follow(me)
    event = call.event("participant_moved", me, to=place.breakout_id or "", by=me.participant_id)
    if place.breakout_id is None:
        call.audit(event)
        move(call, [me], place, now)
        return Empty()
    _check_not_closing(call)
    invited = call.meeting.self_choose or me.assigned == place.breakout_id
    if not invited and not outranks_or_equals(me.role, Role.CO_HOST):
        raise Refused(ErrorCode.FORBIDDEN, "you were not assigned to that room")

    def apply() -> Empty:
        move(call, [me], place, now)
        return Empty()

    return Recorded((event,), apply)


def ready(call: Call, message: BreakoutReady, now: float) -> Outcome:
    """The client has closed its old connections: from now on it may publish and receive here. Repeating changes nothing.

    Raises Refused(conflict) when it was moved once more meanwhile.
    """
    me = call.me
    if message.moves != me.moves:
        raise Refused(ErrorCode.CONFLICT, "you were moved once more")
    if not me.arrived:
        me.arrived = True
        if me.auto_subscribe:
            call.room.auto_subscribe(me.participant_id, True, now)
    return Empty()


def announce(call: Call, message: BreakoutAnnounce, _now: float) -> Outcome:
    """Say something to everybody in all places. Raises Refused(conflict) while no rooms are open."""
    _check_open(call)
    text = clean_name(message.text, MAX_ANNOUNCEMENT)

    def apply() -> Empty:
        call.broadcast_everywhere(BreakoutAnnounced(text, call.me.display_name))
        return Empty()

    return Recorded((call.event("breakouts_announced", call.me),), apply)


def close(call: Call, message: BreakoutClose, now: float) -> Outcome:
    """Begin the countdown, or set a running one anew; with 0 everybody is back at once. Raises Refused(conflict) while no rooms
    are open."""
    _check_open(call)

    def apply() -> Empty:
        call.meeting.closes_at = now + message.countdown_s
        if message.countdown_s:
            tell(call, now)
        else:
            finish(call, now)
        return Empty()

    return Recorded((call.event("breakouts_closing", call.me, countdown_s=message.countdown_s),), apply)


# --- what else happens to the rooms of a meeting ------------------------------------------------------------------------


def closing_at(context: Context) -> float | None:
    """Return when `expire` has to close the rooms: not while everything is frozen."""
    return None if context.meeting.state is MeetingState.SUSPENDED else context.meeting.closes_at


def expire(context: Context, now: float) -> None:
    """Close the rooms if their countdown is over."""
    due = closing_at(context)
    if due is not None and due <= now:
        finish(context, now)


def finish(context: Context, now: float) -> None:
    """Bring everybody back into the main room and close all others."""
    meeting = context.meeting
    meeting.self_choose, meeting.closes_at = False, None
    for seat in meeting.participants.values():
        seat.assigned = None
    inside = [seat for seat in meeting.participants.values() if seat.breakout_id is not None]
    _leave(context, inside, meeting.main, now)
    for place in meeting.breakouts:
        del meeting.places[place.breakout_id]
    _arrive(context, inside, now)
    context.audit(context.event("breakouts_closed"))
    tell(context, now)


def tell(context: Context, now: float) -> None:
    """Tell everybody which rooms there are."""
    meeting = context.meeting
    context.broadcast_everywhere(BreakoutsChanged(breakout_infos(meeting), meeting.self_choose, closes_in_s(meeting, now)))


def demoted(context: Context, participant: Participant) -> None:
    """Somebody is no longer host or co-host: the others' places, and whom a hidden roster hides, are none of its business now."""
    for other in context.meeting.participants.values():
        if not context.meeting.sees(participant, other):
            context.send(participant.session_id, ParticipantLeft(other.participant_id, "hidden"))


def move(context: Context, movers: Sequence[Participant], place: Place, now: float) -> None:
    """Bring participants into `place`, all in one step."""
    movers = [seat for seat in movers if seat.breakout_id != place.breakout_id]
    if movers:
        _leave(context, movers, place, now)
        _arrive(context, movers, now)
        tell(context, now)


def _leave(context: Context, movers: Sequence[Participant], place: Place, now: float) -> None:
    """Take the movers out of where they are, with all their media, on the way into `place`."""
    meeting = context.meeting
    moving = {seat.participant_id for seat in movers}
    staying = [seat for seat in meeting.participants.values() if seat.participant_id not in moving]
    origins = [meeting.place_of(seat) for seat in movers]
    left_behind = [_left_behind(context, staying, seat) for seat in movers]
    for seat in movers:
        seat.breakout_id = place.breakout_id
        seat.moves += 1
        seat.arrived = False
    _end_media(context, movers, origins, now)
    for seat, others in zip(movers, left_behind, strict=True):
        context.deliver(ParticipantLeft(seat.participant_id, "moved"), others)


def _arrive(context: Context, movers: Sequence[Participant], now: float) -> None:
    """Tell those who see the movers where they are, and the movers what is there."""
    moving = {seat.participant_id for seat in movers}
    _tell_where_they_are(
        context, movers, [seat for seat in context.meeting.participants.values() if seat.participant_id not in moving]
    )
    for seat, snapshot in zip(movers, snapshots_for(context, movers, now), strict=True):
        context.send(seat.session_id, BreakoutEntered(seat.breakout_id, snapshot))


def _left_behind(context: Context, staying: Sequence[Participant], mover: Participant) -> list[Participant]:
    """Return who sees somebody leave; hosts and co-hosts keep it on their roster."""
    meeting = context.meeting
    return [other for other in staying if not outranks_or_equals(other.role, Role.CO_HOST) and meeting.sees_go(other, mover)]


def _end_media(context: Context, movers: Sequence[Participant], origins: Sequence[Place], now: float) -> None:
    """Take everything away that the movers had where they were; nobody who moves along hears of it."""
    for seat, origin in zip(movers, origins, strict=True):
        origin.media.leave(seat.participant_id, now)
    collect(context)
    for seat, origin in zip(movers, origins, strict=True):
        origin.speakers = tuple(speaker for speaker in origin.speakers if speaker != seat.participant_id)
        for track_id in tuple(seat.track_ids):
            context.meeting.remove_track(track_id)


def _tell_where_they_are(context: Context, movers: Sequence[Participant], staying: Sequence[Participant]) -> None:
    """Tell who sees the movers now, by one event for all of them."""
    meeting = context.meeting
    for seat in movers:
        seat.shown = meeting.is_public(seat)
    by_view: dict[tuple[ParticipantId, ...], list[Participant]] = defaultdict(list)
    for other in staying:
        by_view[tuple(seat.participant_id for seat in movers if meeting.sees(other, seat))].append(other)
    for seen, viewers in by_view.items():
        if seen:
            context.deliver(ParticipantsMoved([meeting.participants[name].info for name in seen]), viewers)


def _destination(call: Call, breakout_id: str | None) -> Place:
    place = call.meeting.places.get(None if breakout_id is None else BreakoutId(breakout_id))
    if place is None:
        raise Refused(ErrorCode.NOT_FOUND, "no such breakout room")
    return place


def _check_open(call: Call) -> None:
    if not call.meeting.breakouts:
        raise Refused(ErrorCode.CONFLICT, "no breakout rooms are open")


def _check_not_closing(call: Call) -> None:
    if call.meeting.closes_at is not None:
        raise Refused(ErrorCode.FORBIDDEN, "the breakout rooms are closing")


def _check_can_follow(participant: Participant) -> None:
    if participant.headless:
        raise Refused(ErrorCode.FORBIDDEN, "a client without signaling cannot change the room")
