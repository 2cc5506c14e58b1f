"""What a participant may see of its meeting at one moment."""

from collections import Counter
from collections.abc import Iterable, Iterator
from math import ceil

from conclave.meeting.context import Context
from conclave.meeting.state import Meeting, Participant
from conclave.model.ids import BreakoutId, ParticipantId
from conclave.model.roles import Role
from conclave.policy.rbac import outranks_or_equals
from conclave.signaling.messages import BreakoutInfo, ParticipantInfo, RecordingInfo, SlotInfo, Snapshot, TrackInfo

_View = tuple[BreakoutId | None, bool, ParticipantId | None]


def snapshot_for(context: Context, viewer: Participant, now: float) -> Snapshot:
    """Return all that `viewer` may see now, where it is."""
    (snapshot,) = snapshots_for(context, [viewer], now)
    return snapshot


def snapshots_for(context: Context, viewers: Iterable[Participant], now: float) -> Iterator[Snapshot]:
    """Give the same for several, in their order. What they see alike is put together once: hundreds may come back together."""
    meeting = context.meeting
    rosters: dict[_View, list[ParticipantInfo]] = {}
    recordings: dict[_View, RecordingInfo] = {}
    tracks: dict[BreakoutId | None, list[TrackInfo]] = {}
    rooms, guests, closing = breakout_infos(meeting), meeting.guests, closes_in_s(meeting, now)
    for viewer in viewers:
        view, moderates = _view_of(meeting, viewer), outranks_or_equals(viewer.role, Role.CO_HOST)
        if view not in rosters:
            rosters[view] = [other.info for other in meeting.participants.values() if meeting.sees(viewer, other)]
            recordings[view] = meeting.recording_info(viewer)
        if viewer.breakout_id not in tracks:
            tracks[viewer.breakout_id] = _tracks_in(meeting, viewer.breakout_id)
        place = meeting.places.get(viewer.breakout_id)
        slots = place.media.slots(viewer.participant_id) if place is not None else ()
        yield Snapshot(
            participants=rosters[view],
            tracks=tracks[viewer.breakout_id],
            slots=[SlotInfo(mid, track_id) for mid, track_id in slots],
            active_speakers=list(place.speakers) if place is not None else [],
            recording=recordings[view],
            state=meeting.state,
            settings=meeting.settings,
            lobby=guests if moderates else [],
            breakouts=rooms,
            self_choose=meeting.self_choose,
            closes_in_s=closing,
            breakout_id=viewer.breakout_id,
            moves=viewer.moves,
        )


def breakout_infos(meeting: Meeting) -> list[BreakoutInfo]:
    """Return the rooms in the order in which they were opened, with how many are in each."""
    inside = Counter(seat.breakout_id for seat in meeting.participants.values())
    return [
        BreakoutInfo(place.breakout_id, place.title, inside[place.breakout_id])
        for place in meeting.breakouts
        if place.breakout_id is not None
    ]


def closes_in_s(meeting: Meeting, now: float) -> int | None:
    """Return for how long the rooms are still open, None while no countdown runs."""
    return None if meeting.closes_at is None else max(0, ceil(meeting.closes_at - now))


def _view_of(meeting: Meeting, viewer: Participant) -> _View:
    """Return what decides whom `viewer` sees: the place, the rank, and itself where the roster is hidden."""
    moderates = outranks_or_equals(viewer.role, Role.CO_HOST)
    alike = moderates or meeting.settings.roster
    return None if moderates else viewer.breakout_id, moderates, None if alike else viewer.participant_id


def _tracks_in(meeting: Meeting, breakout_id: BreakoutId | None) -> list[TrackInfo]:
    seats = meeting.participants
    return [
        track.info for track in meeting.tracks.values() if track.live and seats[track.participant_id].breakout_id == breakout_id
    ]
