"""What holds for every description of a peer: one bundle, one transport, numbers that keep their meaning (RFC 8843, RFC 8842)."""

import msgspec

from conclave.media.codecs import CodecIdentity, identify
from conclave.media.parameters import LocalTransportParameters, RemoteTransportParameters
from conclave.media.sdp import Direction, MediaSection, SdpError, SessionDescription
from conclave.media.sdp_parse import parse_sdp
from conclave.model.errors import ErrorCode, Refused
from conclave.model.media import MediaKind

RTP_PROTOCOL = "UDP/TLS/RTP/SAVPF"
_RTP_PROTOCOLS = frozenset({RTP_PROTOCOL, "TCP/TLS/RTP/SAVPF", "RTP/SAVPF"})
_FINGERPRINT_ALGORITHMS = frozenset({"sha-256", "sha-384", "sha-512"})
_MAX_FINGERPRINTS = 8
_MAX_CARRIED_EXTENSION_ID = 255
"""What the two-byte form can carry (RFC 8285, section 4.3); greater ids are for negotiation alone."""


def invalid(detail: str) -> Refused:
    return Refused(ErrorCode.INVALID, detail)


def read_description(text: str) -> SessionDescription:
    """Parse a peer's description. Raises Refused(invalid) with the reason."""
    try:
        return parse_sdp(text)
    except SdpError as error:
        raise invalid(f"sdp: {error}") from None


def media_kind(section: MediaSection) -> MediaKind | None:
    """Return the kind of an RTP section, None for data channels and anything else."""
    if section.protocol not in _RTP_PROTOCOLS or section.kind not in (MediaKind.AUDIO, MediaKind.VIDEO):
        return None
    return MediaKind(section.kind)


def bundled_mids(description: SessionDescription) -> tuple[str, ...]:
    """Return the mids of the one bundle, the tagged one first. Raises Refused(invalid) when there is none or several."""
    if len(description.bundles) != 1 or not description.bundles[0]:
        raise invalid("sdp: exactly one BUNDLE group is needed")
    mids = description.bundles[0]
    if len(set(mids)) != len(mids) or any(description.section(mid) is None for mid in mids):
        raise invalid("sdp: the BUNDLE group names an m-section twice or one that does not exist")
    return mids


def remote_transport(description: SessionDescription) -> RemoteTransportParameters:
    """Return the transport of the bundle: that of its tagged m-section (RFC 8843, section 7.2).

    Raises Refused(invalid) when ICE credentials, a fingerprint with SHA-256 or better, or a=setup are missing.
    """
    mids = bundled_mids(description)
    tagged = next((section for mid in mids if (section := description.section(mid)) and not section.rejected), None)
    if tagged is None:
        raise invalid("sdp: every m-section of the BUNDLE group is rejected")
    fingerprints = tuple(known for known in tagged.fingerprints if known.algorithm in _FINGERPRINT_ALGORITHMS)
    if not tagged.ice_ufrag or not tagged.ice_pwd:
        raise invalid("sdp: ICE credentials are missing")
    if not fingerprints or len(tagged.fingerprints) > _MAX_FINGERPRINTS:
        raise invalid("sdp: between 1 and 8 certificate fingerprints with SHA-256 or better are needed")
    if tagged.setup not in ("actpass", "active", "passive"):
        raise invalid("sdp: a=setup must be actpass, active or passive")
    return RemoteTransportParameters(tagged.ice_ufrag, tagged.ice_pwd, fingerprints, tagged.setup)


class PeerTransport:
    """The peer's transport over the life of a session: credentials may change (ICE restart), certificates may not."""

    def __init__(self) -> None:
        self.remote: RemoteTransportParameters | None = None

    def aligned(self, remote: RemoteTransportParameters) -> RemoteTransportParameters:
        """Return `remote` with the a=setup that settled the DTLS roles: a later offer says actpass, and changes nothing by it."""
        return remote if self.remote is None else msgspec.structs.replace(remote, setup=self.remote.setup)

    def check(self, remote: RemoteTransportParameters) -> bool:
        """Tell whether `remote` is an ICE restart. Raises Refused(invalid) when the fingerprints changed."""
        if self.remote is None:
            return False
        if set(remote.fingerprints) != set(self.remote.fingerprints):
            raise invalid("sdp: certificate fingerprints must not change on a live transport")
        return (remote.ice_ufrag, remote.ice_pwd) != (self.remote.ice_ufrag, self.remote.ice_pwd)


class NumberRegistry:
    """What payload types and extension ids mean in one bundle; a number once used keeps its meaning (RFC 8843, section 9)."""

    def __init__(self) -> None:
        self._payload_types: dict[int, CodecIdentity] = {}
        self._extensions: dict[int, str] = {}

    def extended_by(self, sections: tuple[MediaSection, ...]) -> "NumberRegistry":
        """Return a registry that also knows `sections`. Raises Refused(invalid) on a second meaning."""
        extended = NumberRegistry()
        extended._payload_types = dict(self._payload_types)
        extended._extensions = dict(self._extensions)
        for section in sections:
            extended._add(section)
        return extended

    def _add(self, section: MediaSection) -> None:
        kind = media_kind(section)
        if kind is None or section.rejected:
            return
        for codec in section.codecs:
            identity = identify(kind, codec.name, codec.clock_rate, codec.channels, codec.fmtp)
            if identity is not None and self._payload_types.setdefault(codec.payload_type, identity) != identity:
                raise invalid(f"sdp: payload type {codec.payload_type} changes its meaning in m-section {section.mid}")
        for extension in section.extensions:
            if extension.id > _MAX_CARRIED_EXTENSION_ID:
                continue
            if self._extensions.setdefault(extension.id, extension.uri) != extension.uri:
                raise invalid(f"sdp: header extension id {extension.id} changes its meaning in m-section {section.mid}")


def check_succession(before: tuple[MediaSection, ...], after: tuple[MediaSection, ...]) -> None:
    """Hold a later description to the earlier one: m-sections keep place, mid and kind until rejected (RFC 3264, section 8).

    Raises Refused(invalid).
    """
    if len(after) < len(before):
        raise invalid("sdp: m-sections must not disappear")
    for old, new in zip(before, after, strict=False):
        if not old.rejected and (old.mid, old.kind) != (new.mid, new.kind):
            raise invalid(f"sdp: m-section {old.mid} changed its place or kind")


def reject(section: MediaSection) -> MediaSection:
    """Return the answer that refuses an m-section (port 0, RFC 3264, section 6)."""
    return MediaSection(
        kind=section.kind,
        port=0,
        protocol=section.protocol,
        formats=section.formats[:1],
        mid=section.mid,
        direction=Direction.INACTIVE,
    )


def with_transport(section: MediaSection, local: LocalTransportParameters, setup: str) -> MediaSection:
    """Return `section` with our transport in it."""
    return msgspec.structs.replace(
        section,
        ice_ufrag=local.ice_ufrag,
        ice_pwd=local.ice_pwd,
        fingerprints=(local.fingerprint,),
        setup=setup,
        candidates=local.candidates,
        end_of_candidates=True,
    )
