"""The SDP that the load generator writes and reads (RFC 8866, RFC 8829): Opus and VP8 with RTX, BUNDLE, rtcp-mux."""

from typing import NamedTuple

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

OPUS_PAYLOAD_TYPE = 111
VP8_PAYLOAD_TYPE = 96
VP8_RTX_PAYLOAD_TYPE = 97
MID_EXTENSION = 1
AUDIO_LEVEL_EXTENSION = 2

_WANTED_CODECS = frozenset({"opus", "vp8", "rtx"})


class SdpError(ValueError):
    """The description lacks what a transport needs."""


class LocalEnd(NamedTuple):
    """Our half of a transport as SDP says it."""

    ufrag: str
    pwd: str
    fingerprint: str


class SendSection(NamedTuple):
    """An m-section that we send; `rtx_ssrc` is None for audio."""

    mid: str
    kind: str
    ssrc: int
    rtx_ssrc: int | None


class Candidate(NamedTuple):
    transport: str
    host: str
    port: int


class MediaSection(NamedTuple):
    """codecs: payload type -> lower-case name; apt: RTX payload type -> media payload type; extensions: URI -> id."""

    mid: str
    kind: str
    direction: str
    rejected: bool
    rtpmaps: dict[int, str]
    fmtp: dict[int, str]
    extensions: dict[str, int]

    @property
    def codecs(self) -> dict[int, str]:
        return {payload_type: text.split("/")[0].lower() for payload_type, text in self.rtpmaps.items()}

    @property
    def rtx_payload_types(self) -> frozenset[int]:
        return frozenset(payload_type for payload_type, name in self.codecs.items() if name == "rtx")


class Description(NamedTuple):
    """The other end's half of a transport and its m-sections."""

    ufrag: str
    pwd: str
    fingerprint: str
    setup: str
    candidates: tuple[Candidate, ...]
    sections: tuple[MediaSection, ...]

    def candidate(self, transport: str) -> Candidate:
        """Return the first host candidate for "udp" or "tcp". Raises SdpError."""
        for candidate in self.candidates:
            if candidate.transport == transport:
                return candidate
        raise SdpError(f"the server offers no {transport} candidate")


def publisher_offer(local: LocalEnd, sections: list[SendSection], version: int = 1) -> str:
    """Return a sendonly offer with setup:actpass."""
    lines = _head([section.mid for section in sections], version)
    for section in sections:
        lines += _offered_codecs(section.kind)
        lines += _transport_lines(local, "actpass", section.mid, "sendonly")
        lines += [f"a=msid:bench {section.kind}"]
        if section.rtx_ssrc is not None:
            lines += [f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}", f"a=ssrc:{section.rtx_ssrc} cname:bench"]
        lines += [f"a=ssrc:{section.ssrc} cname:bench"]
    return "\r\n".join(lines) + "\r\n"


def subscriber_answer(offer: Description, local: LocalEnd, version: int = 1) -> str:
    """Return a recvonly answer with setup:active that takes Opus, VP8 and RTX of every section and refuses the rest."""
    accepted = {section.mid: _wanted(section) for section in offer.sections}
    bundled = [section.mid for section in offer.sections if accepted[section.mid] and not section.rejected]
    lines = _head(bundled, version)
    for section in offer.sections:
        payload_types = accepted[section.mid]
        if section.mid not in bundled:
            first = next(iter(section.rtpmaps), 0)
            lines += [f"m={section.kind} 0 UDP/TLS/RTP/SAVPF {first}", "c=IN IP4 0.0.0.0", f"a=mid:{section.mid}", "a=inactive"]
            continue
        lines += [f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, payload_types))}", "c=IN IP4 0.0.0.0"]
        for payload_type in payload_types:
            lines.append(f"a=rtpmap:{payload_type} {section.rtpmaps[payload_type]}")
            if section.codecs[payload_type] != "rtx":
                lines += _feedback(section.kind, payload_type)
            if payload_type in section.fmtp:
                lines.append(f"a=fmtp:{payload_type} {section.fmtp[payload_type]}")
        lines += [f"a=extmap:{number} {uri}" for uri, number in section.extensions.items() if uri in (MID_URI, AUDIO_LEVEL_URI)]
        lines += _transport_lines(
            local, "active", section.mid, "recvonly" if section.direction in ("sendonly", "sendrecv") else "inactive"
        )
    return "\r\n".join(lines) + "\r\n"


def read_description(text: str) -> Description:
    """Read an offer or answer. Transport lines are taken from the session or the first section that has them. Raises SdpError."""
    shared: dict[str, str] = {}
    candidates: list[Candidate] = []
    sections: list[MediaSection] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        name, _, value = line.partition("=")
        if name == "m":
            sections.append(_section(value))
        elif name == "a":
            key, _, rest = value.partition(":")
            if key in ("ice-ufrag", "ice-pwd", "fingerprint", "setup"):
                shared.setdefault(key, rest)
            elif key == "candidate":
                _add_candidate(candidates, rest)
            elif sections:
                sections[-1] = _with_attribute(sections[-1], key, rest)
    try:
        algorithm, _, fingerprint = shared["fingerprint"].partition(" ")
        ufrag, pwd = shared["ice-ufrag"], shared["ice-pwd"]
    except KeyError as error:
        raise SdpError(f"no a={error.args[0]} in the description") from None
    if algorithm.lower() != "sha-256":
        raise SdpError(f"fingerprint by {algorithm}, not sha-256")
    return Description(ufrag, pwd, fingerprint, shared.get("setup", ""), tuple(candidates), tuple(sections))


def _head(mids: list[str], version: int) -> list[str]:
    lines = ["v=0", f"o=- 1 {version} IN IP4 127.0.0.1", "s=-", "t=0 0", "a=extmap-allow-mixed", "a=msid-semantic: WMS *"]
    return [*lines, f"a=group:BUNDLE {' '.join(mids)}"] if mids else lines


def _offered_codecs(kind: str) -> list[str]:
    if kind == "audio":
        return [
            f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS_PAYLOAD_TYPE}",
            "c=IN IP4 0.0.0.0",
            f"a=rtpmap:{OPUS_PAYLOAD_TYPE} opus/48000/2",
            f"a=fmtp:{OPUS_PAYLOAD_TYPE} minptime=10;useinbandfec=1",
            f"a=extmap:{MID_EXTENSION} {MID_URI}",
            f"a=extmap:{AUDIO_LEVEL_EXTENSION} {AUDIO_LEVEL_URI}",
        ]
    return [
        f"m=video 9 UDP/TLS/RTP/SAVPF {VP8_PAYLOAD_TYPE} {VP8_RTX_PAYLOAD_TYPE}",
        "c=IN IP4 0.0.0.0",
        f"a=rtpmap:{VP8_PAYLOAD_TYPE} VP8/90000",
        *_feedback("video", VP8_PAYLOAD_TYPE),
        f"a=rtpmap:{VP8_RTX_PAYLOAD_TYPE} rtx/90000",
        f"a=fmtp:{VP8_RTX_PAYLOAD_TYPE} apt={VP8_PAYLOAD_TYPE}",
        f"a=extmap:{MID_EXTENSION} {MID_URI}",
    ]


def _feedback(kind: str, payload_type: int) -> list[str]:
    if kind == "audio":
        return []
    return [f"a=rtcp-fb:{payload_type} {feedback}" for feedback in ("nack", "nack pli", "ccm fir", "goog-remb")]


def _transport_lines(local: LocalEnd, setup: str, mid: str, direction: str) -> list[str]:
    return [
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.pwd}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{setup}",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]


def _wanted(section: MediaSection) -> list[int]:
    """Payload types to answer with: wanted codecs, and of RTX those whose media payload type is wanted."""
    codecs = section.codecs
    media = [payload_type for payload_type, name in codecs.items() if name in _WANTED_CODECS and name != "rtx"]
    repair = [
        payload_type
        for payload_type, name in codecs.items()
        if name == "rtx" and section.fmtp.get(payload_type, "") in {f"apt={wanted}" for wanted in media}
    ]
    return media + repair


def _section(value: str) -> MediaSection:
    kind, port, *_ = value.split()
    return MediaSection("", kind, "sendrecv", port == "0", {}, {}, {})


def _with_attribute(section: MediaSection, key: str, value: str) -> MediaSection:
    if key == "mid":
        return section._replace(mid=value)
    if key in ("sendonly", "recvonly", "sendrecv", "inactive"):
        return section._replace(direction=key)
    if key == "rtpmap":
        payload_type, _, text = value.partition(" ")
        section.rtpmaps[int(payload_type)] = text
    elif key == "fmtp":
        payload_type, _, text = value.partition(" ")
        section.fmtp[int(payload_type)] = text
    elif key == "extmap":
        number, _, uri = value.partition(" ")
        section.extensions[uri.split()[0]] = int(number.split("/")[0])
    return section


def _add_candidate(candidates: list[Candidate], value: str) -> None:
    fields = value.split()
    transport = fields[2].lower()
    if transport == "tcp" and "passive" not in fields:
        return
    candidates.append(Candidate(transport, fields[4], int(fields[5])))
