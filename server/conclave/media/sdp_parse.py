"""Reads the session descriptions of WebRTC peers: strict about what is used, deaf to what is not (RFC 8866, RFC 8829).

Unknown line types and unknown attributes are skipped. A line that is used and cannot be understood raises SdpError,
as does any excess over the limits in `sdp`. Lines may end with CRLF or LF.
"""

import re
from collections.abc import Callable
from typing import NoReturn

from conclave.media import sdp
from conclave.media.parameters import Candidate, Fingerprint
from conclave.media.sdp import (
    Direction,
    MediaSection,
    SdpCodec,
    SdpError,
    SdpExtension,
    SdpRid,
    SdpSource,
    SdpSourceGroup,
    SessionDescription,
)

_TOKEN = re.compile(rf"[!#-'*+.\-0-9A-Z^-~]{{1,{sdp.MAX_TOKEN_CHARACTERS}}}\Z")
_ICE_CHARACTERS = re.compile(r"[A-Za-z0-9+/]{4,256}\Z")
_HEX_PAIRS = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){15,63}\Z")
_CANDIDATE = re.compile(
    r"[\x21-\x7e]{1,64} 1 (?:(?=udp )|(?=tcp .* tcptype passive\b))(udp|tcp) [0-9]{1,10} "
    r"([0-9A-Za-z.:-]{1,253}) ([0-9]{1,5}) typ host\b",
    re.IGNORECASE,
)
_SETUPS = frozenset({"actpass", "active", "passive", "holdconn"})
_DIRECTIONS = frozenset(Direction)
_FORBIDDEN_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _fail(reason: str) -> NoReturn:
    raise SdpError(reason)


def _number(text: str, lowest: int, highest: int, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        _fail(f"{what} is not a number")
    value = int(text)
    if not lowest <= value <= highest:
        _fail(f"{what} is out of range")
    return value


def _token(text: str, what: str) -> str:
    if not _TOKEN.match(text):
        _fail(f"{what} is not a token")
    return text


class _Transport:
    """Attributes that may stand at either level; a section's own replace the session's."""

    def __init__(self) -> None:
        self.ice_ufrag = ""
        self.ice_pwd = ""
        self.fingerprints: list[Fingerprint] = []
        self.setup = ""
        self.direction: Direction | None = None
        self.extensions: list[SdpExtension] = []
        self.extmap_allow_mixed = False

    def take(self, name: str, value: str) -> bool:
        if name in _DIRECTIONS:
            self.direction = Direction(name)
        elif name == "extmap-allow-mixed":
            self.extmap_allow_mixed = True
        elif reader := _TRANSPORT_READERS.get(name):
            reader(self, value)
        else:
            return False
        return True

    def _read_ufrag(self, value: str) -> None:
        self.ice_ufrag = value if _ICE_CHARACTERS.match(value) else _fail("ice-ufrag is malformed")

    def _read_pwd(self, value: str) -> None:
        self.ice_pwd = value if _ICE_CHARACTERS.match(value) and len(value) >= 22 else _fail("ice-pwd is malformed")

    def _read_fingerprint(self, value: str) -> None:
        algorithm, _, hexadecimal = value.partition(" ")
        hexadecimal = hexadecimal.strip().upper()
        if not _HEX_PAIRS.match(hexadecimal):
            _fail("fingerprint is malformed")
        self.fingerprints.append(Fingerprint(_token(algorithm.lower(), "fingerprint algorithm"), hexadecimal))

    def _read_setup(self, value: str) -> None:
        self.setup = value if value in _SETUPS else _fail("setup is malformed")

    def _read_extmap(self, value: str) -> None:
        number, _, rest = value.partition(" ")
        number, _, direction = number.partition("/")
        uri = rest.split(" ", 1)[0]
        if not uri or (direction and direction not in _DIRECTIONS):
            _fail("extmap is malformed")
        if any(known.uri == uri for known in self.extensions):
            return
        if len(self.extensions) == sdp.MAX_EXTENSIONS:
            _fail("too many header extensions")
        self.extensions.append(
            SdpExtension(_number(number, 1, 65_535, "extmap id"), uri, Direction(direction or Direction.SENDRECV))
        )


_TRANSPORT_READERS: dict[str, Callable[[_Transport, str], None]] = {
    "ice-ufrag": _Transport._read_ufrag,
    "ice-pwd": _Transport._read_pwd,
    "fingerprint": _Transport._read_fingerprint,
    "setup": _Transport._read_setup,
    "extmap": _Transport._read_extmap,
}


class _SectionBuilder:
    """Collects the lines of one m-section."""

    def __init__(self, media_line: str) -> None:
        fields = media_line.split(" ")
        if len(fields) < 4 or len(fields) - 3 > sdp.MAX_FORMATS:
            _fail("m-line is malformed")
        self.kind = _token(fields[0], "media type")
        self.port = _number(fields[1].partition("/")[0], 0, 65_535, "port")
        self.protocol = "/".join(_token(part, "protocol") for part in fields[2].split("/"))
        self.formats = tuple(_token(field, "format") for field in fields[3:] if field)
        self.transport = _Transport()
        self.attributes = 0
        self.mid = ""
        self.rtp_maps: dict[int, tuple[str, int, int]] = {}
        self.fmtps: dict[int, str] = {}
        self.feedback: dict[int, list[str]] = {}
        self.feedback_for_all: list[str] = []
        self.cnames: dict[int, str] = {}
        self.source_groups: list[SdpSourceGroup] = []
        self.msids: list[str] = []
        self.rids: list[SdpRid] = []
        self.simulcast = ""
        self.candidates: list[Candidate] = []
        self.flags: set[str] = set()

    def take(self, name: str, value: str) -> None:
        self.attributes += 1
        if self.attributes > sdp.MAX_SECTION_ATTRIBUTES:
            _fail("too many attributes in an m-section")
        if self.transport.take(name, value):
            return
        if name in _FLAGS:
            self.flags.add(name)
        elif reader := _SECTION_READERS.get(name):
            reader(self, value)

    def _read_mid(self, value: str) -> None:
        if self.mid or len(value) > 16:
            _fail("mid is malformed")
        self.mid = _token(value, "mid")

    def _read_rtpmap(self, value: str) -> None:
        number, _, encoding = value.partition(" ")
        parts = encoding.strip().split("/")
        if not 2 <= len(parts) <= 3:
            _fail("rtpmap is malformed")
        channels = _number(parts[2], 1, 255, "channels") if len(parts) == 3 else 1
        self.rtp_maps[_number(number, 0, 127, "payload type")] = (
            _token(parts[0], "encoding name"),
            _number(parts[1], 1, 1_000_000_000, "clock rate"),
            channels,
        )

    def _read_fmtp(self, value: str) -> None:
        number, _, parameters = value.partition(" ")
        if number.isascii() and number.isdigit():
            self.fmtps[_number(number, 0, 127, "payload type")] = parameters.strip()

    def _read_feedback(self, value: str) -> None:
        number, _, kind = value.partition(" ")
        kind = " ".join(kind.split())
        if not kind:
            _fail("rtcp-fb is malformed")
        if number == "*":
            self.feedback_for_all.append(kind)
        else:
            self.feedback.setdefault(_number(number, 0, 127, "payload type"), []).append(kind)

    def _read_ssrc(self, value: str) -> None:
        number, _, attribute = value.partition(" ")
        ssrc = _number(number, 0, 2**32 - 1, "ssrc")
        name, _, text = attribute.partition(":")
        self.cnames.setdefault(ssrc, "")
        if name == "cname":
            self.cnames[ssrc] = text.strip()[: sdp.MAX_TOKEN_CHARACTERS].strip()

    def _read_ssrc_group(self, value: str) -> None:
        semantics, _, numbers = value.partition(" ")
        ssrcs = tuple(_number(number, 0, 2**32 - 1, "ssrc") for number in numbers.split())
        self.source_groups.append(SdpSourceGroup(_token(semantics, "ssrc-group semantics"), ssrcs))

    def _read_msid(self, value: str) -> None:
        self.msids.append(" ".join(value.split()[:2]))

    def _read_rid(self, value: str) -> None:
        fields = value.split()
        if len(fields) < 2 or fields[1] not in ("send", "recv"):
            _fail("rid is malformed")
        self.rids.append(SdpRid(_token(fields[0], "rid"), fields[1]))

    def _read_simulcast(self, value: str) -> None:
        self.simulcast = " ".join(value.split())

    def _read_candidate(self, value: str) -> None:
        if candidate := _CANDIDATE.match(value):
            transport, host, port = candidate.groups()
            self.candidates.append(Candidate(transport.lower(), host, _number(port, 0, 65_535, "port")))

    def build(self, session: _Transport) -> MediaSection:
        own = self.transport
        extensions = own.extensions + [
            inherited for inherited in session.extensions if all(inherited.uri != mine.uri for mine in own.extensions)
        ]
        return MediaSection(
            kind=self.kind,
            port=self.port,
            protocol=self.protocol,
            formats=self.formats,
            mid=self.mid,
            direction=own.direction or session.direction or Direction.SENDRECV,
            codecs=self._codecs(),
            extensions=tuple(extensions),
            sources=tuple(SdpSource(ssrc, cname) for ssrc, cname in self.cnames.items()),
            source_groups=tuple(self.source_groups),
            msids=tuple(self.msids),
            rids=tuple(self.rids),
            simulcast=self.simulcast,
            ice_ufrag=own.ice_ufrag or session.ice_ufrag,
            ice_pwd=own.ice_pwd or session.ice_pwd,
            fingerprints=tuple(own.fingerprints or session.fingerprints),
            setup=own.setup or session.setup,
            candidates=tuple(self.candidates),
            end_of_candidates="end-of-candidates" in self.flags,
            rtcp_mux="rtcp-mux" in self.flags,
            rtcp_mux_only="rtcp-mux-only" in self.flags,
            rtcp_rsize="rtcp-rsize" in self.flags,
            bundle_only="bundle-only" in self.flags,
            extmap_allow_mixed=own.extmap_allow_mixed or session.extmap_allow_mixed,
        )

    def _codecs(self) -> tuple[SdpCodec, ...]:
        codecs = []
        for payload_type in dict.fromkeys(
            int(text) for text in self.formats if text.isascii() and text.isdigit() and len(text) < 4
        ):
            if payload_type in self.rtp_maps:
                name, clock_rate, channels = self.rtp_maps[payload_type]
                feedback = tuple(dict.fromkeys(self.feedback.get(payload_type, []) + self.feedback_for_all))
                codecs.append(SdpCodec(payload_type, name, clock_rate, channels, self.fmtps.get(payload_type, ""), feedback))
        return tuple(codecs)


_FLAGS = frozenset({"rtcp-mux", "rtcp-mux-only", "rtcp-rsize", "bundle-only", "end-of-candidates"})
_SECTION_READERS: dict[str, Callable[[_SectionBuilder, str], None]] = {
    "mid": _SectionBuilder._read_mid,
    "rtpmap": _SectionBuilder._read_rtpmap,
    "fmtp": _SectionBuilder._read_fmtp,
    "rtcp-fb": _SectionBuilder._read_feedback,
    "ssrc": _SectionBuilder._read_ssrc,
    "ssrc-group": _SectionBuilder._read_ssrc_group,
    "msid": _SectionBuilder._read_msid,
    "rid": _SectionBuilder._read_rid,
    "simulcast": _SectionBuilder._read_simulcast,
    "candidate": _SectionBuilder._read_candidate,
}


class _SessionBuilder:
    """Collects the lines before the first m-line and the sections after it."""

    def __init__(self, max_sections: int) -> None:
        self.max_sections = max_sections
        self.attributes = 0
        self.origin = (0, 0)
        self.bundles: list[tuple[str, ...]] = []
        self.ice_lite = False
        self.ice_options: tuple[str, ...] = ()
        self.transport = _Transport()
        self.sections: list[_SectionBuilder] = []

    def take(self, kind: str, value: str) -> None:
        if kind == "m":
            if len(self.sections) == self.max_sections:
                _fail("too many m-sections")
            self.sections.append(_SectionBuilder(value))
        elif kind == "a":
            name, _, argument = value.partition(":")
            if self.sections:
                self.sections[-1].take(name, argument.strip())
            else:
                self._take_attribute(name, argument.strip())
        elif kind == "o" and not self.sections:
            fields = value.split(" ")
            if len(fields) != 6:
                _fail("o-line is malformed")
            self.origin = (_number(fields[1], 0, 10**20, "session id"), _number(fields[2], 0, 10**20, "session version"))

    def _take_attribute(self, name: str, value: str) -> None:
        self.attributes += 1
        if self.attributes > sdp.MAX_SESSION_ATTRIBUTES:
            _fail("too many attributes before the first m-section")
        if name == "group":
            semantics, _, mids = value.partition(" ")
            if semantics == "BUNDLE":
                self.bundles.append(tuple(_token(mid, "mid") for mid in mids.split()))
        elif name == "ice-lite":
            self.ice_lite = True
        elif name == "ice-options":
            self.ice_options = tuple(value.split())
        else:
            self.transport.take(name, value)

    def build(self) -> SessionDescription:
        sections = tuple(section.build(self.transport) for section in self.sections)
        mids = [section.mid for section in sections if section.mid]
        if len(set(mids)) != len(mids):
            _fail("two m-sections have the same mid")
        return SessionDescription(
            session_id=self.origin[0],
            session_version=self.origin[1],
            bundles=tuple(self.bundles),
            ice_lite=self.ice_lite,
            ice_options=self.ice_options,
            sections=sections,
        )


def parse_sdp(text: str, *, max_bytes: int = sdp.MAX_SDP_BYTES, max_sections: int = sdp.MAX_SECTIONS) -> SessionDescription:
    """Return what `text` says. Raises SdpError when it is malformed where it matters or larger than the limits."""
    if len(text) > max_bytes or len(text.encode("utf-8", "replace")) > max_bytes:
        _fail("the description is too large")
    text = text.replace("\r\n", "\n")
    if _FORBIDDEN_CHARACTERS.search(text):
        _fail("the description holds a control character")
    lines = text.rstrip("\n").split("\n")
    if len(lines) > sdp.MAX_LINES:
        _fail("too many lines")
    if lines[0] != "v=0":
        _fail("the description does not begin with v=0")
    session = _SessionBuilder(max_sections)
    for number, line in enumerate(lines, 1):
        if len(line) > sdp.MAX_LINE_CHARACTERS:
            _fail(f"line {number} is too long")
        if not line:
            continue
        if line[1:2] != "=":
            _fail(f"line {number} has no type")
        try:
            session.take(line[0], line[2:].rstrip())
        except SdpError as error:
            raise SdpError(f"line {number}: {error}") from None
    return session.build()
