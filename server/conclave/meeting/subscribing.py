"""What a participant receives: wanted tracks and the receiving peer connection."""

from conclave.meeting.context import Call, Outcome
from conclave.model.ids import TrackId
from conclave.signaling.messages import (
    Empty,
    PlaybackOffer,
    SdpAnswer,
    Subscribe,
    SubscriberAnswer,
    SubscriberRestart,
    Unsubscribe,
)


def subscribe(call: Call, message: Subscribe, now: float) -> Outcome:
    """Want tracks; slots and, when they do not suffice, an offer follow."""
    call.room.subscribe(call.me.participant_id, map(TrackId, message.track_ids), now)
    return Empty()


def unsubscribe(call: Call, message: Unsubscribe, now: float) -> Outcome:
    """Want tracks no longer. Tracks that are gone meanwhile are passed over."""
    call.room.unsubscribe(call.me.participant_id, map(TrackId, message.track_ids), now)
    return Empty()


def answer(call: Call, message: SubscriberAnswer, now: float) -> Outcome:
    """Take the answer to the outstanding offer."""
    call.room.subscriber_answer(call.me.participant_id, message.revision, message.sdp, now)
    return Empty()


def restart(call: Call, _: SubscriberRestart, now: float) -> Outcome:
    """Restart ICE of the receiving peer connection, or open a new one after it failed."""
    call.room.subscriber_restart(call.me.participant_id, now)
    return Empty()


def playback(call: Call, message: PlaybackOffer, now: float) -> Outcome:
    """Negotiate a receiving peer connection that the client offers."""
    return SdpAnswer(call.room.playback_offer(call.me.participant_id, message.sdp, now))
