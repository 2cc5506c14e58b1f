"""Where a caller stands in a meeting, as the gate must know it."""

from conclave.identity.invitations import Claims
from conclave.meeting.state import Meeting
from conclave.model.ids import SessionId
from conclave.policy.rules import Phase
from conclave.signaling.gate import Standing


def standing_of(meeting: Meeting, session_id: SessionId, claims: Claims) -> Standing:
    """Return the standing of a greeted session: with a seat its role there counts, before that its invitation's."""
    seat = meeting.seat_of(session_id)
    if seat is None:
        phase = Phase.LOBBY if session_id in meeting.lobby else Phase.GREETED
        return Standing(phase, claims.role, meeting.state)
    return Standing(
        Phase.JOINED if seat.breakout_id is None else Phase.BREAKOUT,
        seat.role,
        meeting.state,
        seat.participant_id,
        seat.track_ids,
        meeting.participants,
        meeting.guest_ids if meeting.lobby else (),
    )
