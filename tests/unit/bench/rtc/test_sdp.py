import pytest
from aiortc import sdp as reference
from bench.rtc.sdp import (
    AUDIO_LEVEL_URI,
    MID_URI,
    LocalEnd,
    SdpError,
    SendSection,
    publisher_offer,
    read_description,
    subscriber_answer,
)

LOCAL = LocalEnd("ufrg", "p" * 24, "AA:BB")
SERVER_OFFER = """v=0
o=- 7 2 IN IP4 127.0.0.1
s=-
t=0 0
a=ice-lite
a=group:BUNDLE a0 v0 v1
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=candidate:1 1 udp 2130706431 127.0.0.1 44300 typ host
a=candidate:2 1 tcp 1671430143 127.0.0.1 44300 typ host tcptype passive
a=ice-ufrag:srvu
a=ice-pwd:serverpasswordserverpass
a=fingerprint:sha-256 0A:0B
a=setup:actpass
a=mid:a0
a=sendonly
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99
c=IN IP4 0.0.0.0
a=mid:v0
a=sendonly
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 VP9/90000
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:sdes:mid
m=video 0 UDP/TLS/RTP/SAVPF 96
a=mid:v1
a=inactive
a=rtpmap:96 VP8/90000
"""


def test_another_implementation_reads_our_offer() -> None:
    text = publisher_offer(LOCAL, [SendSection("0", "audio", 11, None), SendSection("1", "video", 22, 23)])
    audio, video = reference.SessionDescription.parse(text).media
    assert (audio.kind, audio.direction, audio.rtp.muxId) == ("audio", "sendonly", "0")
    assert (video.kind, video.direction, video.rtp.muxId) == ("video", "sendonly", "1")
    assert [codec.mimeType for codec in video.rtp.codecs] == ["video/VP8", "video/rtx"]
    assert [extension.uri for extension in audio.rtp.headerExtensions] == [MID_URI, AUDIO_LEVEL_URI]
    assert {ssrc.ssrc for ssrc in video.ssrc} == {22, 23}
    assert audio.ice.usernameFragment == "ufrg"


def test_the_servers_description_is_read() -> None:
    offer = read_description(SERVER_OFFER)
    assert (offer.ufrag, offer.pwd, offer.fingerprint, offer.setup) == ("srvu", "serverpasswordserverpass", "0A:0B", "actpass")
    assert offer.candidate("udp") == ("udp", "127.0.0.1", 44300)
    assert offer.candidate("tcp") == ("tcp", "127.0.0.1", 44300)
    assert [section.mid for section in offer.sections] == ["a0", "v0", "v1"]
    assert offer.sections[1].rtx_payload_types == {97, 99}
    assert offer.sections[1].extensions == {MID_URI: 1}
    assert offer.sections[2].rejected


def test_an_answer_takes_opus_vp8_and_its_rtx_and_leaves_the_rest() -> None:
    answer = read_description(subscriber_answer(read_description(SERVER_OFFER), LOCAL))
    assert answer.setup == "active"
    audio, video, unused = answer.sections
    assert audio.codecs == {111: "opus"}
    assert video.codecs == {96: "vp8", 97: "rtx"}
    assert video.direction == audio.direction == "recvonly"
    assert unused.rejected
    assert unused.mid == "v1"


def test_both_line_ends_are_read_alike() -> None:
    assert read_description(SERVER_OFFER.replace("\n", "\r\n")) == read_description(SERVER_OFFER)


@pytest.mark.parametrize("missing", ["a=ice-ufrag", "a=ice-pwd", "a=fingerprint"])
def test_a_description_without_a_transport_is_refused(missing: str) -> None:
    text = "\n".join(line for line in SERVER_OFFER.split("\n") if not line.startswith(missing))
    with pytest.raises(SdpError, match=missing.removeprefix("a=")):
        read_description(text)


def test_a_fingerprint_by_another_hash_is_refused() -> None:
    with pytest.raises(SdpError, match="sha-1"):
        read_description(SERVER_OFFER.replace("sha-256", "sha-1"))


def test_a_candidate_that_is_not_there_is_named() -> None:
    text = "\n".join(line for line in SERVER_OFFER.split("\n") if "candidate" not in line)
    with pytest.raises(SdpError, match="no tcp candidate"):
        read_description(text).candidate("tcp")
