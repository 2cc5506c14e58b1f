"""The nouns of a session description as JSEP uses them (RFC 8866, RFC 8829), and the limits of what is read.

Parsing is in `sdp_parse`, writing in `sdp_write`. What a peer puts at session level (ICE credentials, fingerprints,
setup, direction, header extensions) is handed down to the m-sections, so that a section can be judged alone.
"""

from enum import StrEnum

from msgspec import Struct

from conclave.media.parameters import Candidate, Fingerprint

MAX_SDP_BYTES = 60_000
MAX_SECTIONS = 64
MAX_LINES = 6_000
MAX_LINE_CHARACTERS = 2_048
MAX_SECTION_ATTRIBUTES = 512
MAX_SESSION_ATTRIBUTES = 256
MAX_EXTENSIONS = 64
MAX_FORMATS = 128
MAX_TOKEN_CHARACTERS = 256


class SdpError(ValueError):
    """The text is not a session description that can be used. The message says which line and why, never quoting secrets."""


class Direction(StrEnum):
    """RFC 8866, section 6.7, as seen by the one who wrote the description."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)


class SdpCodec(Struct, frozen=True):
    """One payload type: a=rtpmap, a=fmtp (the text after the number) and the values of its a=rtcp-fb lines.

    `name` keeps the spelling of the peer; `channels` is 1 when the rtpmap does not say.
    """

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""
    feedback: tuple[str, ...] = ()


class SdpExtension(Struct, frozen=True):
    """a=extmap (RFC 8285). `direction` is the suffix of `6/recvonly`, sendrecv when absent."""

    id: int
    uri: str
    direction: Direction = Direction.SENDRECV


class SdpSource(Struct, frozen=True):
    """a=ssrc (RFC 5576) with its cname, "" when none was given."""

    ssrc: int
    cname: str = ""


class SdpSourceGroup(Struct, frozen=True):
    """a=ssrc-group: semantics "FID" pairs a media SSRC with its RTX SSRC."""

    semantics: str
    ssrcs: tuple[int, ...]


class SdpRid(Struct, frozen=True):
    """a=rid (RFC 8851); `direction` is "send" or "recv"."""

    id: str
    direction: str


class MediaSection(Struct, frozen=True, kw_only=True):
    """One m-section. `port` 0 without `bundle_only` means rejected or ended."""

    kind: str
    port: int = 9
    protocol: str = "UDP/TLS/RTP/SAVPF"
    formats: tuple[str, ...] = ()
    mid: str = ""
    direction: Direction = Direction.SENDRECV
    codecs: tuple[SdpCodec, ...] = ()
    extensions: tuple[SdpExtension, ...] = ()
    sources: tuple[SdpSource, ...] = ()
    source_groups: tuple[SdpSourceGroup, ...] = ()
    msids: tuple[str, ...] = ()
    rids: tuple[SdpRid, ...] = ()
    simulcast: str = ""
    ice_ufrag: str = ""
    ice_pwd: str = ""
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: str = ""
    candidates: tuple[Candidate, ...] = ()
    end_of_candidates: bool = False
    rtcp_mux: bool = False
    rtcp_mux_only: bool = False
    rtcp_rsize: bool = False
    bundle_only: bool = False
    extmap_allow_mixed: bool = False

    @property
    def rejected(self) -> bool:
        return self.port == 0 and not self.bundle_only

    @property
    def sends(self) -> bool:
        return self.direction.sends and not self.rejected

    @property
    def receives(self) -> bool:
        return self.direction.receives and not self.rejected

    def rtx_ssrc_of(self, ssrc: int) -> int | None:
        """Return the RTX SSRC that an FID group pairs with `ssrc`, or None."""
        for group in self.source_groups:
            if group.semantics == "FID" and len(group.ssrcs) == 2 and group.ssrcs[0] == ssrc:
                return group.ssrcs[1]
        return None


class SessionDescription(Struct, frozen=True, kw_only=True):
    """A whole description. `bundles` are the mids of each a=group:BUNDLE line, the tagged one first.

    `extmap_allow_mixed` is only written; what was read of it stands in the m-sections.
    """

    session_id: int = 0
    session_version: int = 0
    bundles: tuple[tuple[str, ...], ...] = ()
    ice_lite: bool = False
    ice_options: tuple[str, ...] = ()
    extmap_allow_mixed: bool = False
    sections: tuple[MediaSection, ...] = ()

    def section(self, mid: str) -> MediaSection | None:
        return next((section for section in self.sections if section.mid == mid), None)
