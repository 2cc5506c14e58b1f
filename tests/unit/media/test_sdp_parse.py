import pytest
from tests.support.sdp_clients import offer, recorded, section

from conclave.media.parameters import Candidate
from conclave.media.sdp import Direction, SdpError, SdpExtension, SdpSource, SdpSourceGroup
from conclave.media.sdp_parse import parse_sdp

HEAD = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
FINGERPRINT = ":".join(["AB"] * 32)


def one(attributes: str, *, session: str = "", media: str = "m=video 9 UDP/TLS/RTP/SAVPF 96 97") -> str:
    return f"{HEAD}{session}{media}\r\n{attributes}"


def test_session_level_transport_attributes_hold_for_every_section() -> None:
    session = f"a=ice-ufrag:abcd\r\na=ice-pwd:{'p' * 22}\r\na=fingerprint:SHA-256 {FINGERPRINT.lower()}\r\na=setup:actpass\r\n"
    found = parse_sdp(one("a=mid:0\r\n", session=session)).sections[0]
    assert (found.ice_ufrag, found.ice_pwd, found.setup) == ("abcd", "p" * 22, "actpass")
    assert [(known.algorithm, known.value) for known in found.fingerprints] == [("sha-256", FINGERPRINT)]


def test_a_sections_own_transport_attributes_win_over_the_sessions() -> None:
    text = one(
        "a=ice-ufrag:mine\r\na=setup:active\r\na=inactive\r\n", session="a=ice-ufrag:sess\r\na=setup:actpass\r\na=sendonly\r\n"
    )
    found = parse_sdp(text).sections[0]
    assert (found.ice_ufrag, found.setup, found.direction) == ("mine", "active", Direction.INACTIVE)


def test_several_fingerprints_are_kept_in_order() -> None:
    text = one(f"a=fingerprint:sha-256 {FINGERPRINT}\r\na=fingerprint:sha-512 {':'.join(['0F'] * 64)}\r\n")
    assert [known.algorithm for known in parse_sdp(text).sections[0].fingerprints] == ["sha-256", "sha-512"]


def test_codecs_come_in_the_order_of_the_m_line_with_fmtp_and_feedback() -> None:
    text = one(
        "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack  pli\r\n"
        "a=rtcp-fb:* goog-remb\r\n"
    )
    vp8, rtx = parse_sdp(text).sections[0].codecs
    assert (vp8.payload_type, vp8.name, vp8.clock_rate, vp8.channels) == (96, "VP8", 90_000, 1)
    assert vp8.feedback == ("nack", "nack pli", "goog-remb")
    assert (rtx.name, rtx.fmtp) == ("rtx", "apt=96")


def test_a_payload_type_without_rtpmap_is_no_codec() -> None:
    assert parse_sdp(one("", media="m=audio 9 UDP/TLS/RTP/SAVPF 0 8")).sections[0].codecs == ()


def test_an_extmap_direction_is_read() -> None:
    found = parse_sdp(one("a=extmap:6/recvonly urn:x\r\na=extmap:3 urn:y attributes\r\n")).sections[0].extensions
    assert found == (SdpExtension(6, "urn:x", Direction.RECVONLY), SdpExtension(3, "urn:y"))


def test_ssrcs_and_their_groups_are_read() -> None:
    text = one("a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:me\r\na=ssrc:1 msid:a b\r\na=ssrc:2 cname:me\r\n")
    found = parse_sdp(text).sections[0]
    assert found.sources == (SdpSource(1, "me"), SdpSource(2, "me"))
    assert found.source_groups == (SdpSourceGroup("FID", (1, 2)),)


def test_udp_and_passive_tcp_host_candidates_are_read_and_all_others_passed_over() -> None:
    text = one(
        "a=candidate:1 1 udp 2130706431 192.0.2.1 7000 typ host generation 0\r\n"
        "a=candidate:2 1 TCP 1694498815 2001:db8::1 7000 typ host tcptype passive\r\n"
        "a=candidate:3 1 tcp 1518214911 192.0.2.1 9 typ host tcptype active\r\n"
        "a=candidate:4 2 udp 2130706430 192.0.2.1 7001 typ host\r\n"
        "a=candidate:5 1 udp 1686052607 192.0.2.2 7000 typ srflx raddr 0.0.0.0 rport 9\r\n"
        "a=candidate:nonsense\r\na=end-of-candidates\r\n"
    )
    found = parse_sdp(text).sections[0]
    assert found.candidates == (Candidate("udp", "192.0.2.1", 7000), Candidate("tcp", "2001:db8::1", 7000))
    assert found.end_of_candidates


def test_rids_and_simulcast_are_read() -> None:
    found = parse_sdp(one("a=rid:q send\r\na=rid:h send pt=96\r\na=simulcast:send q;h\r\n")).sections[0]
    assert [(rid.id, rid.direction) for rid in found.rids] == [("q", "send"), ("h", "send")]
    assert found.simulcast == "send q;h"


def test_bundle_groups_name_their_mids_in_order_and_other_groups_are_passed_over() -> None:
    text = HEAD + "a=group:LS 0 1\r\na=group:BUNDLE 1 0\r\n"
    assert parse_sdp(text).bundles == (("1", "0"),)


def test_unknown_lines_and_attributes_are_passed_over() -> None:
    text = one(
        "b=AS:500\r\na=rtcp-xr:rcvr-rtt=all\r\na=framerate:15\r\na=mid:0\r\nz=1\r\n", session="e=x\r\na=msid-semantic: WMS\r\n"
    )
    assert parse_sdp(text).sections[0].mid == "0"


def test_line_feeds_alone_end_lines_as_well() -> None:
    assert parse_sdp(recorded("chromium_publish").replace("\r\n", "\n")) == parse_sdp(recorded("chromium_publish"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=1\r\n",
        "o=- 1 2 IN IP4 0.0.0.0\r\n",
        HEAD + "nonsense\r\n",
        "v=0\r\no=- x 2 IN IP4 0.0.0.0\r\n",
        "v=0\r\no=- 1\r\n",
        HEAD + "m=video\r\n",
        HEAD + "m=video 70000 UDP/TLS/RTP/SAVPF 96\r\n",
        HEAD + "m=vid eo 9 UDP/TLS/RTP/SAVPF 96\r\nm=\r\n",
        one("a=rtpmap:96 VP8\r\n"),
        one("a=rtpmap:128 VP8/90000\r\n"),
        one("a=rtpmap:²5 VP8/90000\r\n"),
        one("a=extmap:0 urn:x\r\n"),
        one("a=extmap:1\r\n"),
        one("a=extmap:1/sideways urn:x\r\n"),
        one("a=ice-ufrag:abc\r\n"),
        one("a=ice-ufrag:ab cd\r\n"),
        one("a=ice-pwd:short\r\n"),
        one("a=fingerprint:sha-256 AB:CD\r\n"),
        one("a=fingerprint:sha-256 XY\r\n"),
        one("a=setup:maybe\r\n"),
        one("a=mid:0\r\na=mid:1\r\n"),
        one("a=mid:seventeen-letters\r\n"),
        one("a=ssrc:4294967296 cname:x\r\n"),
        one("a=ssrc-group:\r\n"),
        one("a=ssrc-group:FID x\r\n"),
        one("a=rid:q sideways\r\n"),
        one("a=rtcp-fb:96\r\n"),
        one("a=mid:0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"),
        one("a=mid:\x00\r\n"),
        one("a=mid:\x7f\r\n"),
        one("a=x:a\rb\r\n"),
    ],
)
def test_what_cannot_be_understood_where_it_matters_is_refused(text: str) -> None:
    with pytest.raises(SdpError):
        parse_sdp(text)


def test_the_error_names_the_line_and_quotes_nothing() -> None:
    with pytest.raises(SdpError, match=r"^line 6: ice-pwd is malformed$"):
        parse_sdp(one("a=ice-pwd:hunter2\r\n"))


def test_the_limit_is_60000_bytes_counted_as_utf_8() -> None:
    parse_sdp(HEAD + "s=" + "x" * 2_000 + "\r\n")
    filler = ("a=x:" + "é" * 900 + "\r\n") * 34
    assert len(HEAD + filler) < 60_000
    with pytest.raises(SdpError, match="too large"):
        parse_sdp(HEAD + filler)
    with pytest.raises(SdpError, match="too large"):
        parse_sdp("x" * 60_001)


def test_the_limit_is_64_m_sections() -> None:
    media = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    assert len(parse_sdp(HEAD + media * 64).sections) == 64
    with pytest.raises(SdpError, match="too many m-sections"):
        parse_sdp(HEAD + media * 65)


def test_the_limit_is_6000_lines() -> None:
    with pytest.raises(SdpError, match="too many lines"):
        parse_sdp(HEAD + "b=\r\n" * 6_000)


def test_the_limit_is_2048_characters_a_line() -> None:
    with pytest.raises(SdpError, match="line 5 is too long"):
        parse_sdp(HEAD + "a=x:" + "y" * 2_045 + "\r\n")


def test_the_limit_is_512_attributes_a_section() -> None:
    parse_sdp(one("a=x\r\n" * 512))
    with pytest.raises(SdpError, match="too many attributes"):
        parse_sdp(one("a=x\r\n" * 513))


def test_the_limit_is_256_attributes_before_the_first_section() -> None:
    parse_sdp(one("", session="a=x\r\n" * 256))
    with pytest.raises(SdpError, match="too many attributes before"):
        parse_sdp(one("", session="a=x\r\n" * 257))


@pytest.mark.parametrize("level", ["session", "attributes"])
def test_the_limit_is_64_header_extensions_at_either_level(level: str) -> None:
    lines = "".join(f"a=extmap:{number} urn:{number}\r\n" for number in range(1, 66))
    known = lines[: lines.index("a=extmap:65")]
    for text, good in ((known + known, True), (lines, False)):
        whole = one("", session=text) if level == "session" else one(text)
        if good:
            assert len(parse_sdp(whole).sections[0].extensions) == 64
        else:
            with pytest.raises(SdpError, match="too many header extensions"):
                parse_sdp(whole)


def test_the_limit_is_128_formats_a_section() -> None:
    with pytest.raises(SdpError, match="m-line"):
        parse_sdp(HEAD + "m=video 9 UDP/TLS/RTP/SAVPF " + " ".join(["96"] * 129) + "\r\n")


def test_a_lone_surrogate_is_no_crash() -> None:
    parse_sdp(HEAD + "s=\ud800\r\n")


def test_a_written_offer_is_read_back() -> None:
    sections = (section("0", "audio"), section("1"))
    assert parse_sdp(offer(*sections)).sections == sections


def test_the_limit_is_256_characters_a_token_and_a_cname() -> None:
    parse_sdp(one(f"a=ssrc-group:{'x' * 256}\r\n"))
    with pytest.raises(SdpError, match="not a token"):
        parse_sdp(one(f"a=ssrc-group:{'x' * 257}\r\n"))
    assert len(parse_sdp(one(f"a=ssrc:1 cname:{'x' * 300}\r\n")).sections[0].sources[0].cname) == 256
