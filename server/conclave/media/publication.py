"""One publishing peer connection of a participant: its transport, its live tracks, and how much it may send."""

from collections.abc import Mapping

from conclave.media.publisher import NegotiatedTrack, PublisherNegotiation
from conclave.media.transport import MediaTransport
from conclave.model.ids import TrackId
from conclave.model.media import MediaKind, TrackSource

AUDIO_BPS = 128_000


class Publication:
    """Owns the transport of what a participant sends."""

    def __init__(self, transport: MediaTransport, negotiation: PublisherNegotiation) -> None:
        self.transport = transport
        self.negotiation = negotiation
        self.tracks: dict[TrackId, NegotiatedTrack] = {}
        self.remb_bps = 0

    def allowance_bps(self, per_video_track: Mapping[TrackSource, int]) -> int:
        """Return what the live tracks together may send, 0 (no cap) when none of them is video."""
        videos = [track for track in self.tracks.values() if track.spec.kind is MediaKind.VIDEO]
        if not videos:
            return 0
        audio_bps = AUDIO_BPS * (len(self.tracks) - len(videos))
        return audio_bps + sum(per_video_track[track.source] for track in videos)
