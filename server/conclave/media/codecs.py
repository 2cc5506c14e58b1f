"""Which codecs, feedback messages and header extensions are forwarded, and when two ends mean the same codec."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec
from msgspec import Struct

from conclave.media.sdp import MediaSection, SdpCodec, SdpExtension
from conclave.model.media import CodecParameters, MediaKind

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
VIDEO_ORIENTATION_URI = "urn:3gpp:video-orientation"
TOFFSET_URI = "urn:ietf:params:rtp-hdrext:toffset"
PLAYOUT_DELAY_URI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
DEPENDENCY_DESCRIPTOR_URI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

MAX_EXTENSION_ID = 14

_NOT_FORWARDED = frozenset({MID_URI, ABS_SEND_TIME_URI})
"""mid is each slot's own. Send times of several publishers on one transport are those of unrelated clocks: the receiver's
bandwidth estimator would take their differences for delay."""

EXTENSIONS: Mapping[MediaKind, tuple[str, ...]] = {
    MediaKind.AUDIO: (MID_URI, AUDIO_LEVEL_URI, ABS_SEND_TIME_URI),
    MediaKind.VIDEO: (
        MID_URI,
        ABS_SEND_TIME_URI,
        VIDEO_ORIENTATION_URI,
        TOFFSET_URI,
        PLAYOUT_DELAY_URI,
        DEPENDENCY_DESCRIPTOR_URI,
    ),
}
"""Header extensions that are accepted (RFC 8285). The dependency descriptor can outgrow the one-byte form: it needs
a=extmap-allow-mixed."""

FEEDBACK: Mapping[MediaKind, tuple[str, ...]] = {
    MediaKind.AUDIO: ("nack",),
    MediaKind.VIDEO: ("nack", "nack pli", "ccm fir", "goog-remb"),
}
"""RTCP feedback that is negotiated, where the peer has it too (RFC 4585, RFC 5104)."""


class CodecIdentity(Struct, frozen=True):
    """What makes two payload types the same codec. `profile` is the part of fmtp that a decoder must match.

    H.264: "baseline", "main" or "high"; the baseline profiles count as one, as no WebRTC encoder uses the tools in which they
    differ. `single_nal` marks packetization-mode 0, which a packetization-mode 1 receiver reads as well (RFC 6184, section 6.2).
    """

    mime_type: str
    clock_rate: int
    channels: int
    profile: str = ""
    single_nal: bool = False


_H264_PROFILES = {0x42: "baseline", 0x4D: "main", 0x58: "extended", 0x64: "high"}
_OPTIONAL_H264_PROFILES = frozenset({"main", "extended", "high"})
_VP9_PROFILES = frozenset({"0", "2"})
_VIDEO_CLOCK_RATE = 90_000


def fmtp_parameters(fmtp: str) -> dict[str, str]:
    """Return the name=value pairs of an fmtp text, names in lower case; later ones win."""
    pairs = (part.partition("=") for part in fmtp.split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def identify(kind: MediaKind, name: str, clock_rate: int, channels: int, fmtp: str) -> CodecIdentity | None:
    """Return the identity of a codec that is forwarded, None for every other (comfort noise, FEC, profiles unknown here)."""
    name = name.lower()
    if kind is MediaKind.AUDIO:
        return CodecIdentity("audio/opus", 48_000, 2) if (name, clock_rate, channels) == ("opus", 48_000, 2) else None
    if clock_rate != _VIDEO_CLOCK_RATE:
        return None
    parameters = fmtp_parameters(fmtp)
    if name == "vp8":
        return CodecIdentity("video/VP8", clock_rate, 1)
    if name == "vp9":
        profile = parameters.get("profile-id", "0")
        return CodecIdentity("video/VP9", clock_rate, 1, profile) if profile in _VP9_PROFILES else None
    if name == "av1":
        profile = parameters.get("profile", "0")
        return CodecIdentity("video/AV1", clock_rate, 1, profile) if profile == "0" else None
    return _identify_h264(clock_rate, parameters) if name == "h264" else None


def _identify_h264(clock_rate: int, parameters: dict[str, str]) -> CodecIdentity | None:
    mode = parameters.get("packetization-mode", "0")
    level_id = parameters.get("profile-level-id", "42000a")
    try:
        profile = _H264_PROFILES.get(int(level_id[:2], 16)) if len(level_id) == 6 else None
    except ValueError:
        return None
    if profile is None or mode not in ("0", "1"):
        return None
    return CodecIdentity("video/H264", clock_rate, 1, profile, mode == "0")


@lru_cache(maxsize=1024)
def identity_of(codec: CodecParameters) -> CodecIdentity:
    """Return the identity of a codec that was negotiated here before."""
    kind_name, _, name = codec.mime_type.partition("/")
    identity = identify(MediaKind(kind_name), name, codec.clock_rate, codec.channels, codec.sdp_fmtp_line)
    assert identity is not None, "only identified codecs become CodecParameters"
    return identity


def can_show(source: CodecIdentity, sink: CodecIdentity) -> bool:
    """Tell whether a receiver that negotiated `sink` can decode what was encoded as `source`."""
    return source == sink or (source.single_nal and not sink.single_nal and _without_mode(source) == _without_mode(sink))


def _without_mode(identity: CodecIdentity) -> tuple[str, int, int, str]:
    return (identity.mime_type, identity.clock_rate, identity.channels, identity.profile)


def map_payload_types(source: Iterable[CodecParameters], sink: Iterable[CodecParameters]) -> dict[int, int]:
    """Return inbound payload type -> outbound payload type for the codecs both ends have; exact matches win."""
    sinks = [(identity_of(codec), codec.payload_type) for codec in sink]
    mapping = {}
    for codec in source:
        identity = identity_of(codec)
        matches = [(candidate != identity, payload_type) for candidate, payload_type in sinks if can_show(identity, candidate)]
        if matches:
            mapping[codec.payload_type] = min(matches, key=lambda match: match[0])[1]
    return mapping


def map_extensions(source: Mapping[str, int], sink: Mapping[str, int]) -> dict[int, int]:
    """Return inbound extension id -> outbound id for all that both ends have and that means the same to a third."""
    return {number: sink[uri] for uri, number in source.items() if uri in sink and uri not in _NOT_FORWARDED}


def negotiated_codecs(kind: MediaKind, section: MediaSection) -> tuple[CodecParameters, ...]:
    """Return the forwarded codecs of a peer's m-section, each with its RTX payload type if there is one.

    The order is the peer's, and the first is what it will send. Only the H.264 profiles above baseline go to the end: not
    every receiver decodes them, while RFC 7742 asks all for VP8 and constrained baseline.
    """
    rtx = _rtx_payload_types(section.codecs)
    found = []
    for codec in section.codecs:
        identity = identify(kind, codec.name, codec.clock_rate, codec.channels, codec.fmtp)
        if identity is not None:
            found.append(
                CodecParameters(
                    mime_type=identity.mime_type,
                    clock_rate=codec.clock_rate,
                    channels=codec.channels,
                    sdp_fmtp_line=codec.fmtp,
                    payload_type=codec.payload_type,
                    rtx_payload_type=rtx.get(codec.payload_type),
                )
            )
    return tuple(sorted(found, key=lambda codec: identity_of(codec).profile in _OPTIONAL_H264_PROFILES))


def with_rtx(codec: CodecParameters, rtx_payload_type: int | None) -> CodecParameters:
    """Return `codec` with another RTX companion, or none."""
    return msgspec.structs.replace(codec, rtx_payload_type=rtx_payload_type)


def _rtx_payload_types(codecs: Iterable[SdpCodec]) -> dict[int, int]:
    """Return media payload type -> RTX payload type (RFC 4588, section 8.6: the `apt` parameter)."""
    rtx: dict[int, int] = {}
    for codec in codecs:
        apt = fmtp_parameters(codec.fmtp).get("apt", "") if codec.name.lower() == "rtx" else ""
        if apt.isascii() and apt.isdigit():
            rtx.setdefault(int(apt[:4]), codec.payload_type)
    return rtx


def describe_codecs(
    kind: MediaKind, codecs: Iterable[CodecParameters], offered: MediaSection | None = None
) -> tuple[SdpCodec, ...]:
    """Return the rtpmap/fmtp/rtcp-fb lines for `codecs` and their RTX companions.

    With `offered` (we answer) feedback is limited to what that section has for the payload type.
    """
    offered_feedback = {codec.payload_type: codec.feedback for codec in offered.codecs} if offered else {}
    lines = []
    for codec in codecs:
        wanted = FEEDBACK[kind]
        if offered is not None:
            wanted = tuple(feedback for feedback in wanted if feedback in offered_feedback.get(codec.payload_type, ()))
        name = codec.mime_type.partition("/")[2]
        lines.append(SdpCodec(codec.payload_type, name, codec.clock_rate, codec.channels, codec.sdp_fmtp_line, wanted))
        if codec.rtx_payload_type is not None:
            lines.append(SdpCodec(codec.rtx_payload_type, "rtx", codec.clock_rate, 1, f"apt={codec.payload_type}"))
    return tuple(lines)


def accepted_extensions(kind: MediaKind, section: MediaSection, *, peer_sends: bool) -> tuple[SdpExtension, ...]:
    """Return those extensions of a peer's section that are used: known here, id 1-14, in the direction that media flows.

    abs-send-time is used by peers that send only.
    """
    return tuple(
        extension
        for extension in section.extensions
        if extension.uri in EXTENSIONS[kind]
        and extension.id <= MAX_EXTENSION_ID
        and (extension.direction.sends if peer_sends else extension.direction.receives)
        and (peer_sends or extension.uri != ABS_SEND_TIME_URI)
        and (extension.uri != DEPENDENCY_DESCRIPTOR_URI or section.extmap_allow_mixed)
    )
