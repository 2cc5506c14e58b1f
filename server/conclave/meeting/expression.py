"""Hands and reactions."""

from conclave.meeting.context import Call, Outcome
from conclave.model.errors import ErrorCode, Refused
from conclave.signaling.messages import Empty, HandRaise, ParticipantChanged, Reaction, ReactionSend

REACTIONS = ("👍", "👎", "👏", "❤️", "😂", "😮", "😢", "🎉", "🙏", "🔥", "💯", "✅", "❌", "👋")
_VARIATION_SELECTOR = "\ufe0f"
_BY_BASE = {reaction.rstrip(_VARIATION_SELECTOR): reaction for reaction in REACTIONS}


def raise_hand(call: Call, message: HandRaise, _now: float) -> Outcome:
    """Raise or lower one's own hand; repeating changes nothing."""
    me = call.me
    if me.hand_raised != message.raised:
        me.hand_raised = message.raised
        call.broadcast_about(me, ParticipantChanged(me.info))
    return Empty()


def react(call: Call, message: ReactionSend, _now: float) -> Outcome:
    """Show one of REACTIONS, with or without its variation selector, to everybody beside its sender who may see it."""
    reaction = _BY_BASE.get(message.reaction.rstrip(_VARIATION_SELECTOR))
    if reaction is None:
        raise Refused(ErrorCode.INVALID, "not one of the reactions")
    call.broadcast_beside(call.me, Reaction(call.me.participant_id, reaction))
    return Empty()
