"""What a participant may see of its meeting at one moment."""

from math import ceil

from conclave.meeting.context import Context
from conclave.meeting.state import Meeting, Participant
from conclave.model.roles import Role
from conclave.policy.rbac import outranks_or_equals
from conclave.signaling.messages import BreakoutInfo, SlotInfo, Snapshot


def snapshot_for(context: Context, viewer: Participant, now: float) -> Snapshot:
    """Return all that `viewer` may see now, where it is."""
    meeting = context.meeting
    place = meeting.places.get(viewer.breakout_id)
    slots = place.media.slots(viewer.participant_id) if place is not None else ()
    return Snapshot(
        participants=[other.info for other in meeting.participants.values() if meeting.sees(viewer, other)],
        tracks=[
            track.info
            for track in meeting.tracks.values()
            if track.live and meeting.participants[track.participant_id].breakout_id == viewer.breakout_id
        ],
        slots=[SlotInfo(mid, track_id) for mid, track_id in slots],
        active_speakers=list(place.speakers) if place is not None else [],
        recording=meeting.recording_info(viewer),
        state=meeting.state,
        settings=meeting.settings,
        lobby=meeting.guests if outranks_or_equals(viewer.role, Role.CO_HOST) else [],
        breakouts=breakout_infos(meeting),
        self_choose=meeting.self_choose,
        closes_in_s=closes_in_s(meeting, now),
        breakout_id=viewer.breakout_id,
        moves=viewer.moves,
    )


def breakout_infos(meeting: Meeting) -> list[BreakoutInfo]:
    """Return the rooms in the order in which they were opened, with how many are in each."""
    return [
        BreakoutInfo(place.breakout_id, place.title, sum(True for _ in meeting.seats_in(place.breakout_id)))
        for place in meeting.breakouts
        if place.breakout_id is not None
    ]


def closes_in_s(meeting: Meeting, now: float) -> int | None:
    """Return for how long the rooms are still open, None while no countdown runs."""
    return None if meeting.closes_at is None else max(0, ceil(meeting.closes_at - now))
