"""Where a caller stands in a meeting, as the gate must know it."""

from conclave.meeting.context import Caller
from conclave.meeting.demotions import Demotions
from conclave.meeting.state import Meeting
from conclave.policy.rules import Phase
from conclave.signaling.gate import Standing


def standing_of(meeting: Meeting, caller: Caller, demotions: Demotions, wall_s: float) -> Standing:
    """Return the standing of a greeted session: with a seat its role there counts, before that what hosts left of its
    invitation's."""
    seat = meeting.seat_of(caller.session_id)
    if seat is None:
        phase = Phase.LOBBY if caller.session_id in meeting.lobby else Phase.GREETED
        return Standing(phase, caller.role_left(demotions, wall_s), meeting.state)
    return Standing(
        Phase.JOINED if seat.breakout_id is None else Phase.BREAKOUT,
        seat.role,
        meeting.state,
        seat.participant_id,
        seat.track_ids,
        meeting.participants,
        meeting.guest_ids if meeting.lobby else (),
    )
