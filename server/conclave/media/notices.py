"""What the media room tells the meeting. Taken together with the PlaneCommands, in the order in which they arose."""

from msgspec import Struct

from conclave.media.commands import PlaneCommand
from conclave.model.ids import ParticipantId, TrackId
from conclave.model.media import TrackSource


class OfferReady(Struct, frozen=True):
    """Send `subscriber.offer` to the participant. The same revision can come twice: after a resumed connection."""

    participant_id: ParticipantId
    revision: int
    sdp: str


class SlotsChanged(Struct, frozen=True):
    """What each m-section of the participant's receiving connection shows now: (mid, track or None), the whole mapping."""

    participant_id: ParticipantId
    slots: tuple[tuple[str, TrackId | None], ...]


class TracksUnsupported(Struct, frozen=True):
    """Wanted tracks that the participant's client cannot decode, the whole set, sent when it changed."""

    participant_id: ParticipantId
    track_ids: frozenset[TrackId]


class TrackLive(Struct, frozen=True):
    """A declared track is negotiated: it belongs on the roster."""

    track_id: TrackId
    participant_id: ParticipantId
    source: TrackSource
    muted: bool


class TrackGone(Struct, frozen=True):
    track_id: TrackId
    participant_id: ParticipantId


class TransportStateChanged(Struct, frozen=True):
    """`transport` is "publisher" or "subscriber"; `state` "connecting", "connected", "failed" or "closed"; `reason` is for the
    log: a transport.TransportReason, a dtls.DtlsReason or "unanswered".

    After "failed" and "closed" the peer connection is of no more use: the client opens a new one.
    """

    participant_id: ParticipantId
    transport: str
    state: str
    reason: str = ""


class SpeakersChanged(Struct, frozen=True):
    """Who speaks now, loudest first."""

    participant_ids: tuple[ParticipantId, ...]


Notice = (
    OfferReady | SlotsChanged | TracksUnsupported | TrackLive | TrackGone | TransportStateChanged | SpeakersChanged
)  # fmt: skip

Effect = PlaneCommand | Notice
"""All that a media room gives out, in one row: the order is part of the meaning."""
