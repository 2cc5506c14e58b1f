"""A lossy link between two network namespaces: a TUN device in each, this process between them.

The kernel at hand may have no `netem`; this does delay and random loss in user space and counts, per RTP stream, what
it dropped. Run as a process: it reads one JSON command a line and answers each with the counters so far.

    python relay.py <namespace path left> <namespace path right> <seed>
    {"delay_ms": 25, "loss": {"left": 0.05, "right": 0.0}}    left: packets that left sends, right: those that right sends
    {"port_shift": 1000}    as a NAT that forgot: UDP ports of left are seen by right as so much higher
    {}                                                        only counters
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time
from collections import Counter

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_UDP = 17
SIDES = ("left", "right")
DEVICE = "lossy0"


def open_tun(namespace_path: str) -> int:
    """Create DEVICE inside the namespace and return its descriptor; the process stays where it was."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    inside = os.open(namespace_path, os.O_RDONLY)
    try:
        if libc.setns(inside, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
        if libc.setns(before, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(inside)
        os.close(before)
    return device


def rtp_ssrc(packet: bytes) -> int | None:
    """Return the SSRC when an IPv4 packet carries RTP over UDP, else None. RTCP does not count."""
    if len(packet) < 20 or packet[0] >> 4 != 4 or packet[9] != _UDP:
        return None
    payload = packet[(packet[0] & 0x0F) * 4 + 8 :]
    if len(payload) < 12 or not 128 <= payload[0] <= 191 or 192 <= payload[1] <= 223:
        return None
    return int(struct.unpack_from("!I", payload, 8)[0])


def shift_port(packet: bytes, at: int, shift: int) -> bytes:
    """Add `shift` to the source (`at` 0) or destination port (2) of a UDP packet over IPv4; others stay as they are."""
    if not shift or len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != _UDP:
        return packet
    start = (packet[0] & 0x0F) * 4
    (port,) = struct.unpack_from("!H", packet, start + at)
    changed = bytearray(packet)
    struct.pack_into("!H", changed, start + at, (port + shift) & 0xFFFF)
    struct.pack_into("!H", changed, start + 6, 0)  # no checksum (RFC 768)
    return bytes(changed)


class Relay:
    """Two devices, a heap of packets by the time they are due, and the counters."""

    def __init__(self, devices: tuple[int, int], seed: int) -> None:
        self._devices = devices
        self._random = random.Random(seed)
        self._due: list[tuple[float, int, int, bytes]] = []
        self._order = 0
        self._delay_s = 0.0
        self._port_shift = 0
        self._loss = [0.0, 0.0]
        self._passed = [Counter[int](), Counter[int]()]
        self._dropped = [Counter[int](), Counter[int]()]
        self._others_dropped = [0, 0]

    def configure(self, command: dict[str, object]) -> dict[str, object]:
        """Take a command and return the counters: per side, RTP packets passed and dropped by SSRC, other datagrams dropped."""
        delay_ms, loss = command.get("delay_ms"), command.get("loss")
        if isinstance(delay_ms, int | float):
            self._delay_s = delay_ms / 1000
        port_shift = command.get("port_shift")
        if isinstance(port_shift, int):
            self._port_shift = port_shift
        if isinstance(loss, dict):
            self._loss = [float(loss.get(side, self._loss[index])) for index, side in enumerate(SIDES)]
        return {
            side: {
                "passed": dict(self._passed[index]),
                "dropped": dict(self._dropped[index]),
                "others_dropped": self._others_dropped[index],
            }
            for index, side in enumerate(SIDES)
        }

    def take(self, side: int) -> None:
        """Read all that `side` sends; drop at random or schedule for the other side."""
        while True:
            try:
                packet = os.read(self._devices[side], 65_536)
            except BlockingIOError:
                return
            ssrc = rtp_ssrc(packet)
            if self._loss[side] and self._random.random() < self._loss[side]:
                if ssrc is None:
                    self._others_dropped[side] += 1
                else:
                    self._dropped[side][ssrc] += 1
                continue
            if ssrc is not None:
                self._passed[side][ssrc] += 1
            packet = shift_port(packet, 2, -self._port_shift) if side else shift_port(packet, 0, self._port_shift)
            self._order += 1
            heapq.heappush(self._due, (time.monotonic() + self._delay_s, self._order, 1 - side, packet))

    def deliver(self) -> float | None:
        """Write what is due; return the seconds until the next packet is, None when there is none."""
        while self._due:
            wait_s = self._due[0][0] - time.monotonic()
            if wait_s > 0:
                return wait_s
            _, _, side, packet = heapq.heappop(self._due)
            try:
                os.write(self._devices[side], packet)
            except OSError:
                self._others_dropped[1 - side] += 1
        return None

    def serve(self) -> None:
        """Work until standard input ends."""
        while True:
            readable, _, _ = select.select([*self._devices, sys.stdin], [], [], self.deliver())
            for side, device in enumerate(self._devices):
                if device in readable:
                    self.take(side)
            if sys.stdin in readable:
                line = sys.stdin.readline()
                if not line:
                    return
                print(json.dumps(self.configure(json.loads(line))), flush=True)


if __name__ == "__main__":
    relay = Relay((open_tun(sys.argv[1]), open_tun(sys.argv[2])), int(sys.argv[3]))
    print(json.dumps({"ready": True}), flush=True)
    relay.serve()
