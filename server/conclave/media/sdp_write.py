"""Writes session descriptions (RFC 8866, RFC 8829). The inverse of `sdp_parse` for everything the nouns can hold."""

from collections.abc import Iterator
from functools import lru_cache

from conclave.media.parameters import Candidate
from conclave.media.sdp import Direction, MediaSection, SdpCodec, SdpExtension, SessionDescription

_UDP_PRIORITY_BASE = 2_130_706_431
_TCP_PRIORITY_BASE = 1_694_498_815


def write_sdp(description: SessionDescription, *, shared_transport: bool = False) -> str:
    """Return the text of `description`, lines ending with CRLF.

    With `shared_transport` the ICE credentials, fingerprints and setup of the first m-section that is not rejected are written
    once, at session level, where they hold for all m-sections (RFC 8839, RFC 8122, RFC 4145).
    """
    return "\r\n".join(_session_lines(description, shared_transport)) + "\r\n"


def _session_lines(description: SessionDescription, shared_transport: bool) -> Iterator[str]:
    yield "v=0"
    yield f"o=- {description.session_id} {description.session_version} IN IP4 0.0.0.0"
    yield "s=-"
    yield "t=0 0"
    for mids in description.bundles:
        yield " ".join(("a=group:BUNDLE", *mids))
    if description.ice_lite:
        yield "a=ice-lite"
    if description.ice_options:
        yield "a=ice-options:" + " ".join(description.ice_options)
    if description.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    if shared_transport and (carrier := next((section for section in description.sections if not section.rejected), None)):
        yield from _transport_lines(carrier)
    for section in description.sections:
        yield from _section_lines(section, shared_transport)


def _section_lines(section: MediaSection, shared_transport: bool) -> Iterator[str]:
    yield f"m={section.kind} {section.port} {section.protocol} {' '.join(section.formats)}"
    yield "c=IN IP4 0.0.0.0"
    if section.mid:
        yield f"a=mid:{section.mid}"
    if not shared_transport:
        yield from _transport_lines(section)
    yield from _flag_lines(section)
    yield f"a={section.direction.value}"
    if section.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    for extension in section.extensions:
        yield _extmap_line(extension)
    for msid in section.msids:
        yield f"a=msid:{msid}"
    yield from _codecs_lines(section.codecs)
    for rid in section.rids:
        yield f"a=rid:{rid.id} {rid.direction}"
    if section.simulcast:
        yield f"a=simulcast:{section.simulcast}"
    for source in section.sources:
        yield f"a=ssrc:{source.ssrc} cname:{source.cname}"
    for group in section.source_groups:
        yield " ".join((f"a=ssrc-group:{group.semantics}", *map(str, group.ssrcs)))


def _transport_lines(section: MediaSection) -> Iterator[str]:
    if section.ice_ufrag:
        yield f"a=ice-ufrag:{section.ice_ufrag}"
    if section.ice_pwd:
        yield f"a=ice-pwd:{section.ice_pwd}"
    for fingerprint in section.fingerprints:
        yield f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}"
    if section.setup:
        yield f"a=setup:{section.setup}"


def _flag_lines(section: MediaSection) -> Iterator[str]:
    for index, candidate in enumerate(section.candidates):
        yield _candidate_line(index, candidate)
    if section.end_of_candidates:
        yield "a=end-of-candidates"
    if section.bundle_only:
        yield "a=bundle-only"
    if section.rtcp_mux:
        yield "a=rtcp-mux"
    if section.rtcp_mux_only:
        yield "a=rtcp-mux-only"
    if section.rtcp_rsize:
        yield "a=rtcp-rsize"


def _candidate_line(index: int, candidate: Candidate) -> str:
    """RFC 8839, section 5.1; RFC 6544, section 4.5. Best first: priorities fall with the index, UDP above TCP."""
    if candidate.transport == "udp":
        return f"a=candidate:{index + 1} 1 udp {_UDP_PRIORITY_BASE - index * 256} {candidate.host} {candidate.port} typ host"
    priority = _TCP_PRIORITY_BASE - index * 256
    return f"a=candidate:{index + 1} 1 tcp {priority} {candidate.host} {candidate.port} typ host tcptype passive"


def _extmap_line(extension: SdpExtension) -> str:
    suffix = "" if extension.direction is Direction.SENDRECV else f"/{extension.direction.value}"
    return f"a=extmap:{extension.id}{suffix} {extension.uri}"


@lru_cache(maxsize=256)
def _codecs_lines(codecs: tuple[SdpCodec, ...]) -> tuple[str, ...]:
    """The m-sections of an offer share their codec lists, and these are most of its text."""
    return tuple(line for codec in codecs for line in _codec_lines(codec))


def _codec_lines(codec: SdpCodec) -> Iterator[str]:
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    yield f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}"
    for feedback in codec.feedback:
        yield f"a=rtcp-fb:{codec.payload_type} {feedback}"
    if codec.fmtp:
        yield f"a=fmtp:{codec.payload_type} {codec.fmtp}"
