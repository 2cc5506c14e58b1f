"""SDP offers as a browser writes them, small."""

SESSION = """v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {mids}
a=extmap-allow-mixed
a=msid-semantic: WMS
"""
TRANSPORT = """c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:{ufrag}
a=ice-pwd:asd88fgpdd777uzjYhagZgxx
a=ice-options:trickle
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=mid:{mid}
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a={direction}
a=rtcp-mux
"""
AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111
{transport}a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
"""
VIDEO = """m=video 9 UDP/TLS/RTP/SAVPF 96 97
{transport}a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
"""
FINGERPRINT = ":".join(f"{byte:02X}" for byte in range(32))


def offer(*kinds: str, direction: str = "sendonly", ufrag: str = "F7gI") -> str:
    """Return an offer with one m-section for each of `kinds` ("audio", "video"); mids count from 0."""
    sections = []
    for mid, kind in enumerate(kinds):
        transport = TRANSPORT.format(ufrag=ufrag, fingerprint=FINGERPRINT, mid=mid, direction=direction)
        sections.append((AUDIO if kind == "audio" else VIDEO).format(transport=transport))
    return (SESSION.format(mids=" ".join(map(str, range(len(kinds))))) + "".join(sections)).replace("\n", "\r\n")


def answer(sdp: str) -> str:
    """Return the answer of a client that receives everything that `sdp` (a subscriber offer) sends."""
    kept = [line for line in sdp.splitlines() if not line.startswith(("a=candidate", "a=end-of-candidates", "a=ssrc", "a=msid:"))]
    replaced = {
        "a=setup": "a=setup:active",
        "a=sendonly": "a=recvonly",
        "a=ice-ufrag": "a=ice-ufrag:abcd",
        "a=ice-pwd": "a=ice-pwd:asd88fgpdd777uzjYhagZgxx",
        "a=fingerprint": f"a=fingerprint:sha-256 {FINGERPRINT}",
    }
    lines = [replaced.get(line.partition(":")[0], line) for line in kept if line != "a=ice-lite"]
    return "\r\n".join(lines) + "\r\n"
