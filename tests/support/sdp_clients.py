"""Clients made of text: offers and answers as a browser would write them, without a browser."""

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec

from conclave.media import codecs
from conclave.media.parameters import Candidate, Fingerprint, LocalTransportParameters
from conclave.media.publisher import DeclaredTrack, NegotiatedTrack
from conclave.media.sdp import Direction, MediaSection, SdpCodec, SdpExtension, SdpSource, SessionDescription
from conclave.media.sdp_parse import parse_sdp
from conclave.media.sdp_write import write_sdp
from conclave.model.ids import Entropy, TrackId, TransportId
from conclave.model.media import CodecParameters, MediaKind, TrackSource, TrackSpec

RECORDED = Path(__file__).parents[1] / "wire" / "sdp"
LOCAL = LocalTransportParameters(
    ice_ufrag="srvr",
    ice_pwd="s" * 24,
    fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
    candidates=(Candidate("udp", "127.0.0.1", 7000), Candidate("tcp", "127.0.0.1", 7000)),
)
CLIENT_FINGERPRINT = Fingerprint("sha-256", ":".join(["CD"] * 32))

OPUS = SdpCodec(111, "opus", 48_000, 2, "minptime=10;useinbandfec=1", ("transport-cc",))
VIDEO_FEEDBACK = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
VP8 = SdpCodec(96, "VP8", 90_000, feedback=VIDEO_FEEDBACK)
VP8_RTX = SdpCodec(97, "rtx", 90_000, fmtp="apt=96")
H264_HIGH = SdpCodec(
    102, "H264", 90_000, fmtp="level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f", feedback=VIDEO_FEEDBACK
)
AUDIO_EXTENSIONS = (SdpExtension(1, codecs.AUDIO_LEVEL_URI), SdpExtension(4, codecs.MID_URI))
VIDEO_EXTENSIONS = (SdpExtension(2, codecs.ABS_SEND_TIME_URI), SdpExtension(4, codecs.MID_URI))


def seeded(seed: int = 1) -> Entropy:
    """Return a source of random bytes that repeats itself."""
    return random.Random(seed).randbytes


def recorded(name: str) -> str:
    """Return the recorded offer `name`, byte for byte."""
    return (RECORDED / f"{name}.txt").read_bytes().decode()


def section(mid: str, kind: str = "video", direction: str = "sendonly", **changes: object) -> MediaSection:
    """Return an m-section of a client's offer: opus, or VP8 with RTX."""
    offered = (OPUS,) if kind == "audio" else (VP8, VP8_RTX)
    plain = MediaSection(
        kind=kind,
        formats=tuple(str(codec.payload_type) for codec in offered),
        mid=mid,
        direction=Direction(direction),
        codecs=offered,
        extensions=AUDIO_EXTENSIONS if kind == "audio" else VIDEO_EXTENSIONS,
        ice_ufrag="clnt",
        ice_pwd="c" * 24,
        fingerprints=(CLIENT_FINGERPRINT,),
        setup="actpass",
        rtcp_mux=True,
        rtcp_rsize=True,
        extmap_allow_mixed=True,
    )
    changed = msgspec.structs.replace(plain, **changes)
    formats = tuple(str(codec.payload_type) for codec in changed.codecs) or changed.formats
    return msgspec.structs.replace(changed, formats=formats)


def offer(*sections: MediaSection, bundle: Sequence[str] | None = None) -> str:
    """Return a client's offer with all sections in one bundle, or those that `bundle` names."""
    mids = tuple(section.mid for section in sections if not section.rejected) if bundle is None else tuple(bundle)
    return write_sdp(SessionDescription(session_id=7, session_version=1, bundles=(mids,), sections=sections))


def answer(sdp: str, *, only: Sequence[str] | None = None, **changes: object) -> str:
    """Return the answer that accepts an offer of ours: recvonly, active. `only` keeps these codecs, `changes` go everywhere."""
    offered = parse_sdp(sdp, max_bytes=1_000_000)
    sections = tuple(_answered(section, only, changes) for section in offered.sections)
    mids = tuple(section.mid for section in sections if not section.rejected)
    return write_sdp(SessionDescription(session_id=8, session_version=1, bundles=(mids,), sections=sections))


def _answered(offered: MediaSection, only: Sequence[str] | None, changes: dict[str, object]) -> MediaSection:
    if offered.rejected:
        return offered
    kept = tuple(codec for codec in offered.codecs if only is None or codec.name in only or codec.name == "rtx")
    accepted = msgspec.structs.replace(
        offered,
        codecs=kept,
        formats=tuple(str(codec.payload_type) for codec in kept) or offered.formats,
        direction=Direction.RECVONLY,
        sources=(),
        source_groups=(),
        msids=(),
        candidates=(),
        end_of_candidates=False,
        ice_ufrag="clnt",
        ice_pwd="c" * 24,
        fingerprints=(CLIENT_FINGERPRINT,),
        setup="active",
    )
    return msgspec.structs.replace(accepted, **changes)


def declare_all(sdp: str) -> dict[str, DeclaredTrack]:
    """Return a declaration for every audio and video section of an offer."""
    sources = {"audio": TrackSource.MICROPHONE, "video": TrackSource.CAMERA}
    return {
        section.mid: DeclaredTrack(TrackId(f"track-of-mid-{section.mid:>3}"), sources[section.kind])
        for section in parse_sdp(sdp).sections
        if section.kind in sources
    }


def track(
    track_id: str,
    source: TrackSource = TrackSource.CAMERA,
    offered: Sequence[CodecParameters] | None = None,
    extensions: dict[str, int] | None = None,
) -> NegotiatedTrack:
    """Return an inbound track, VP8 or opus unless `offered` says otherwise."""
    usual = {
        MediaKind.AUDIO: (CodecParameters("audio/opus", 48_000, 2, "", 109),),
        MediaKind.VIDEO: (CodecParameters("video/VP8", 90_000, 1, "", 120, 121),),
    }
    spec = TrackSpec(TrackId(track_id), TransportId("publisher"), source.kind, "0", tuple(offered or usual[source.kind]))
    return NegotiatedTrack(spec, source, extensions or {})


def sources_of(ssrc: int) -> tuple[SdpSource, ...]:
    return (SdpSource(ssrc, "client"),)
