"""Media nouns that signaling, negotiation and the packet plane share. Terms are those of W3C webrtc-pc, RFC 3550 and RFC 8843."""

from enum import StrEnum

from msgspec import Struct

from conclave.model.ids import TrackId, TransportId


class MediaKind(StrEnum):
    AUDIO = "audio"
    VIDEO = "video"


class TrackSource(StrEnum):
    """What a track shows. `screen` and `screen_audio` need `screen_share.start`."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen_audio"

    @property
    def kind(self) -> MediaKind:
        return MediaKind.VIDEO if self in (TrackSource.CAMERA, TrackSource.SCREEN) else MediaKind.AUDIO


class SrtpProfile(StrEnum):
    """Protection profiles by their IANA names (RFC 5764, RFC 7714)."""

    AEAD_AES_256_GCM = "SRTP_AEAD_AES_256_GCM"
    AEAD_AES_128_GCM = "SRTP_AEAD_AES_128_GCM"
    AES_CM_128_HMAC_SHA1_80 = "SRTP_AES128_CM_SHA1_80"


class CodecParameters(Struct, frozen=True):
    """One negotiated codec of an m-section.

    mime_type: "audio/opus", "video/VP8"; clock_rate in Hz; channels is 1 for video; sdp_fmtp_line as in
    RTCRtpCodec ("" if absent); payload_type 0-127; rtx_payload_type the RFC 4588 companion or None.
    """

    mime_type: str
    clock_rate: int
    channels: int
    sdp_fmtp_line: str
    payload_type: int
    rtx_payload_type: int | None = None


class TrackSpec(Struct, frozen=True):
    """An inbound track as the plane must know it.

    mid: the a=mid token; mid_ext_id / audio_level_ext_id: negotiated header extension ids (1-14) or None;
    ssrc / rtx_ssrc: announced in SDP or None (then learnt from the mid extension of an authenticated packet,
    or by payload type when no other track of the transport has that payload type).
    """

    track_id: TrackId
    transport_id: TransportId
    kind: MediaKind
    mid: str
    codecs: tuple[CodecParameters, ...]
    mid_ext_id: int | None = None
    audio_level_ext_id: int | None = None
    ssrc: int | None = None
    rtx_ssrc: int | None = None


class SenderSpec(Struct, frozen=True):
    """An outbound stream ("slot") on a subscriber's transport: fixed mid, SSRC and RTX SSRC; its source may change.

    rtx_payload_types: outbound media payload type -> outbound RTX payload type (RFC 4588).
    """

    transport_id: TransportId
    mid: str
    kind: MediaKind
    ssrc: int
    rtx_ssrc: int | None
    mid_ext_id: int | None
    rtx_payload_types: dict[int, int]
    clock_rate: int


class RouteSpec(Struct, frozen=True):
    """What a sender forwards: one track, or nothing when `track_id` is None.

    payload_types: inbound media payload type -> outbound payload type; a type that is not in it is a counted drop.
    extensions: inbound header extension id -> outbound id; ids that are not in it are removed.
    """

    transport_id: TransportId
    mid: str
    track_id: TrackId | None
    payload_types: dict[int, int] = {}
    extensions: dict[int, int] = {}
