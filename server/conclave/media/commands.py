"""What the media control plane asks the rim to do. Performed in order by the hub's media pump."""

from typing import TYPE_CHECKING

from msgspec import Struct

from conclave.model.ids import ParticipantId, RecordingId, TrackId, TransportId
from conclave.model.media import RouteSpec, SenderSpec, TrackSource, TrackSpec

if TYPE_CHECKING:
    from conclave.media.transport import MediaTransport


class OpenTransport(Struct, frozen=True):
    """Register `transport` (its ufrag becomes known) and open its peer on `lane`."""

    transport: "MediaTransport"
    lane: int


class CloseTransport(Struct, frozen=True):
    transport_id: TransportId


class RestartIce(Struct, frozen=True):
    """The transport's local credentials changed from `old_ufrag`; both stay valid until the new ones are used."""

    transport_id: TransportId
    old_ufrag: str


class AddTrack(Struct, frozen=True):
    spec: TrackSpec


class UpdateTrack(Struct, frozen=True):
    """The same track after a renegotiation (SSRC announced later, changed extension ids are not allowed)."""

    spec: TrackSpec


class RemoveTrack(Struct, frozen=True):
    track_id: TrackId


class MuteTrack(Struct, frozen=True):
    track_id: TrackId
    muted: bool


class AddSender(Struct, frozen=True):
    spec: SenderSpec
    cname: str


class RemoveSender(Struct, frozen=True):
    transport_id: TransportId
    mid: str


class SetRoute(Struct, frozen=True):
    spec: RouteSpec


class RequestKeyframe(Struct, frozen=True):
    track_id: TrackId


class TapTrack(Struct, frozen=True):
    """Copy a track's packets to the recorder for `recording_id`, or no longer when that is None."""

    track_id: TrackId
    participant_id: ParticipantId
    source: TrackSource
    recording_id: RecordingId | None


class SetRemb(Struct, frozen=True):
    """Cap what the publisher on this transport may send; 0 lifts the cap."""

    transport_id: TransportId
    bitrate_bps: int


PlaneCommand = (
    OpenTransport | CloseTransport | RestartIce | AddTrack | UpdateTrack | RemoveTrack | MuteTrack
    | AddSender | RemoveSender | SetRoute | RequestKeyframe | SetRemb | TapTrack
)  # fmt: skip
