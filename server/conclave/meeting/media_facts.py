"""What the media of a meeting reports, folded into the meeting's state and told to those whom it concerns."""

from collections.abc import Iterable

from conclave.media import notices
from conclave.media.dtls import DtlsReason
from conclave.media.notices import Notice
from conclave.media.speakers import AudioLevel
from conclave.meeting import recording
from conclave.meeting.context import Context
from conclave.meeting.place import Place
from conclave.meeting.state import Track
from conclave.model.ids import ParticipantId, TrackId, TransportId
from conclave.signaling.messages import (
    ActiveSpeakers,
    Event,
    ParticipantChanged,
    SlotInfo,
    SubscriberOffer,
    SubscriberSlots,
    TrackPublished,
    TracksUnsupported,
    TrackUnpublished,
    TransportState,
)

FAILED = frozenset({"failed", "closed"})


def collect(context: Context) -> None:
    """Take what the media rooms want done: commands for the plane, and notices, which become state and events."""
    for place in tuple(context.meeting.places.values()):
        for effect in place.media.take_effects():
            if isinstance(effect, Notice):
                _fold(context, place, effect)
            else:
                context.commands.append(effect)


def transport_state(context: Context, transport_id: TransportId, state: str, reason: str, now: float) -> None:
    """Take news of a media transport from the rim."""
    for place in context.meeting.places.values():
        place.media.on_transport_state(transport_id, state, reason, now)
    collect(context)


def audio_levels(context: Context, levels: Iterable[tuple[TrackId, int, int]], now: float) -> None:
    """Take audio levels (track, mean, loudest; -dBov) that were measured since the last call."""
    heard = [AudioLevel(*level) for level in levels]
    for place in context.meeting.places.values():
        place.media.on_audio_levels(heard, now)
    collect(context)


def _fold(context: Context, place: Place, notice: Notice) -> None:
    match notice:
        case notices.OfferReady(participant_id, revision, sdp):
            _tell(context, place, participant_id, SubscriberOffer(revision, sdp))
        case notices.SlotsChanged(participant_id, slots):
            _tell(context, place, participant_id, SubscriberSlots([SlotInfo(mid, track_id) for mid, track_id in slots]))
        case notices.TracksUnsupported(participant_id, track_ids):
            _tell(context, place, participant_id, TracksUnsupported(sorted(track_ids)))
        case notices.TransportStateChanged(participant_id, transport, state, reason):
            seat = context.meeting.participants.get(participant_id)
            if seat is not None and state in FAILED and seat.breakout_id == place.breakout_id:
                seat.media_failed = True
            if reason == DtlsReason.FINGERPRINT_MISMATCH:
                context.audit(context.event("handshake_refused", seat, transport=transport, reason=reason))
            _tell(context, place, participant_id, TransportState(transport, state, reason))
        case notices.TrackLive(track_id, participant_id, source, muted):
            known = context.meeting.tracks.get(track_id)
            track = known or Track(track_id=track_id, participant_id=participant_id, source=source, muted_by_owner=muted)
            track.muted, track.live = muted, True
            _go_live(context, track)
        case notices.TrackGone(track_id, _):
            if context.meeting.remove_track(track_id) is not None:
                context.broadcast(TrackUnpublished(track_id), place.breakout_id)
        case notices.SpeakersChanged(participant_ids):
            place.speakers = participant_ids
            context.broadcast(ActiveSpeakers(list(participant_ids)), place.breakout_id)
            recording.speakers_changed(context)


def _go_live(context: Context, track: Track) -> None:
    context.meeting.add_track(track)
    owner = context.meeting.participants[track.participant_id]
    if not context.meeting.settings.roster:
        context.broadcast_about(owner, ParticipantChanged(owner.info))
    context.broadcast(TrackPublished(track.info), owner.breakout_id)
    recording.track_live(context, track)


def _tell(context: Context, place: Place, participant_id: ParticipantId, event: Event) -> None:
    """Tell a participant about its media here; who has moved on meanwhile hears nothing more of it."""
    seat = context.meeting.participants.get(participant_id)
    if seat is not None and seat.breakout_id == place.breakout_id:
        context.send(seat.session_id, event)
