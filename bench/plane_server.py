"""The plane in a process of its own for bench/plane.py.

    python -m bench.plane_server PROFILE PUBLISHER_PORT SUBSCRIBER_PORT...

Prints its media port; answers each line on stdin with its CPU time, packets forwarded and send calls as JSON.
"""

import json
import resource
import sys
from hashlib import shake_128

from pylibsrtp import Policy

from conclave.plane.plane import LaneAddress, Plane, make_path

PROFILES = {
    "SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "SRTP_AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
    "SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
}
AUDIO_SSRC, VIDEO_SSRC = 0xA0D10, 0x51DE0


def keys(profile: str, number: int) -> tuple[bytes, bytes]:
    """Keys from and to the peer with this number, the same in every process; for the bench alone."""
    size = PROFILES[profile][1]
    material = shake_128(f"bench {profile} {number}".encode()).digest(2 * size)
    return material[:size], material[size:]


def publisher(plane: Plane, profile: str, port: int) -> tuple[int, int]:
    """Open the publishing peer; return its audio and video track."""
    peer = plane.open_peer(0)
    plane.nominate(peer, make_path("udp", "127.0.0.1", port))
    plane.secure(peer, profile, *keys(profile, 0))
    audio = plane.add_track(
        peer, video=False, mid=b"0", payload_types={111: 48000}, rtx_payload_types={}, codecs={111: "opus"}, ssrc=AUDIO_SSRC
    )  # fmt: skip
    video = plane.add_track(
        peer, video=True, mid=b"1", payload_types={96: 90000}, rtx_payload_types={97: 96}, codecs={96: "vp8"}, ssrc=VIDEO_SSRC
    )  # fmt: skip
    return audio, video


def subscriber(plane: Plane, profile: str, number: int, port: int, tracks: tuple[int, int]) -> None:
    """Open a receiving peer with an audio and a video slot."""
    peer = plane.open_peer(0)
    plane.nominate(peer, make_path("udp", "127.0.0.1", port))
    plane.secure(peer, profile, *keys(profile, number + 1))
    audio = plane.add_sender(
        peer, video=False, mid=b"s0", ssrc=0x10000 + 2 * number, clock_rate=48000, mid_ext_id=1, cname=b"bench"
    )  # fmt: skip
    video = plane.add_sender(
        peer, video=True, mid=b"s1", ssrc=0x20000 + 2 * number, clock_rate=90000, rtx_ssrc=0x20001 + 2 * number,
        rtx_payload_types={100: 101}, mid_ext_id=1, cname=b"bench",
    )  # fmt: skip
    plane.route(audio, tracks[0], {111: 111}, {})
    plane.route(video, tracks[1], {96: 100}, {})


def main(profile: str, publisher_port: str, *subscriber_ports: str) -> None:
    """Serve until stdin ends."""
    plane = Plane([LaneAddress("127.0.0.1", 0)])
    tracks = publisher(plane, profile, int(publisher_port))
    for number, port in enumerate(subscriber_ports):
        subscriber(plane, profile, number, int(port), tracks)
    plane.start()
    print(plane.addresses[0].port, flush=True)
    for _ in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        counters = plane.counters()
        answer = {
            "user_us": round(used.ru_utime * 1e6),
            "system_us": round(used.ru_stime * 1e6),
            "packets": counters["rtp_out"],
            "calls": counters["send_calls"],
        }
        print(json.dumps(answer), flush=True)
    plane.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
