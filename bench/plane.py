"""CPU of the packet plane for each packet it forwards, beside a null SFU without crypto in the same run.

    python -m bench.plane [--subscribers 100] [--seconds 4] [--rounds 5] [--no-video] [--json-lines FILE]

One publisher sends 50 audio packets/s of 120 octets and 30 video frames/s of 4 packets of 1,100 octets over loopback, and a
sender report a second; every subscriber takes both and reports once a second. The variants take turns. Each server is a process
of its own, of which user and system time count; loopback delivery runs inside the sender's system call. Receivers are read
empty every 10 ms by a small C program, so that waking them is not charged to the server.
"""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any, NamedTuple

from cyclopts import App
from pylibsrtp import Policy, Session

from bench.plane_server import AUDIO_SSRC, PROFILES, VIDEO_SSRC, keys
from bench.results import Rounds, print_table, round_figures, write_json

SOURCE = Path(__file__).with_name("null_sfu.c")
AUDIO_OCTETS, VIDEO_OCTETS, FRAME_PACKETS = 120, 1100, 4
AUDIO_INTERVAL, VIDEO_INTERVAL = 1 / 50, 1 / 30

app = App(name="bench.plane", help=__doc__)


class Usage(NamedTuple):
    user_us: int
    system_us: int
    packets: int
    calls: int

    def since(self, before: "Usage") -> "Usage":
        return Usage(*(now - then for now, then in zip(self, before, strict=True)))


class Child:
    """A process that answers each line on its stdin with its usage so far."""

    def __init__(self, command: list[str], **options: Any) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)

    def line(self) -> str:
        assert self.process.stdout is not None
        line: str = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended")
        return line

    def usage(self) -> Usage:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return Usage(**json.loads(self.line()))

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


@dataclass
class Receivers:
    """The subscribers' sockets, and the program that reads them empty."""

    sockets: list[socket.socket]
    child: Child

    @property
    def ports(self) -> list[int]:
        return [each.getsockname()[1] for each in self.sockets]


@contextmanager
def receivers(null_sfu: Path, number: int) -> Iterator[Receivers]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        descriptors = [each.fileno() for each in sockets]
        child = Child([str(null_sfu), "drain", *map(str, descriptors)], pass_fds=descriptors)
        stack.callback(child.stop)
        yield Receivers(sockets, child)


class Publisher:
    """Writes and protects the publisher's packets, with numbers that go on from round to round."""

    def __init__(self, target: tuple[str, int], profile: str | None) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.target = target
        self.session = None if profile is None else _session(profile, 0, outbound=True)
        self.audio_seq = self.video_seq = self.frame = 0

    def _send(self, packet: bytes, *, rtcp: bool = False) -> None:
        if self.session is not None:
            packet = self.session.protect_rtcp(packet) if rtcp else self.session.protect(packet)
        self.socket.sendto(packet, self.target)

    def audio(self) -> None:
        self.audio_seq += 1
        header = pack("!BBHII", 0x80, 111, self.audio_seq & 0xFFFF, self.audio_seq * 960, AUDIO_SSRC)
        self._send(header.ljust(AUDIO_OCTETS, b"\0"))

    def video(self) -> None:
        self.frame += 1
        for at in range(FRAME_PACKETS):
            self.video_seq += 1
            last = at == FRAME_PACKETS - 1
            header = pack("!BBHII", 0x80, last << 7 | 96, self.video_seq & 0xFFFF, self.frame * 3000, VIDEO_SSRC)
            payload = (b"\x10" if at == 0 else b"\x00") + (b"\x00" if self.frame % 30 == 1 else b"\x01")
            self._send((header + payload).ljust(VIDEO_OCTETS, b"\0"))

    def report(self) -> None:
        if self.session is not None:
            ntp = int(monotonic() * 2**32) & (2**64 - 1)
            self._send(pack("!BBHIQIII", 0x80, 200, 6, VIDEO_SSRC, ntp, self.frame * 3000, self.video_seq, 0), rtcp=True)


class Reporters:
    """The subscribers' receiver reports, spread over each second."""

    def __init__(self, sockets: list[socket.socket], target: tuple[str, int], profile: str | None) -> None:
        self.target = target
        self.ends = [] if profile is None else [(each, _session(profile, n + 1, outbound=True)) for n, each in enumerate(sockets)]
        self.interval = 1 / len(sockets)
        self.turn = 0

    def report(self) -> None:
        if self.ends:
            self.turn += 1
            number = self.turn % len(self.ends)
            here, session = self.ends[number]
            blocks = b"".join(pack("!IIIIII", ssrc + 2 * number, 0, 0, 5, 0, 0) for ssrc in (0x10000, 0x20000))
            here.sendto(session.protect_rtcp(pack("!BBHI", 0x82, 201, 13, 1) + blocks), self.target)


def _session(profile: str, number: int, *, outbound: bool) -> Session:
    inbound, _ = keys(profile, number)
    return Session(Policy(inbound, Policy.SSRC_ANY_OUTBOUND if outbound else Policy.SSRC_ANY_INBOUND, 0, PROFILES[profile][0]))


def play(publisher: Publisher, reporters: Reporters, seconds: float, *, video: bool = True) -> None:
    """Send everything at its time."""
    jobs = [
        [0.0, AUDIO_INTERVAL, publisher.audio],
        [0.5, 1.0, publisher.report],
        [0.01, reporters.interval, reporters.report],
    ]
    if video:
        jobs.append([0.003, VIDEO_INTERVAL, publisher.video])
    start = monotonic()
    while True:
        job: list[Any] = min(jobs, key=lambda each: each[0])
        if job[0] >= seconds:
            return
        pause = start + job[0] - monotonic()
        if pause > 0:
            sleep(pause)
        job[2]()
        job[0] += job[1]


class Variant(NamedTuple):
    name: str
    mode: str
    profile: str | None


VARIANTS = (
    Variant("plane AES-128-GCM", "plane", "SRTP_AEAD_AES_128_GCM"),
    Variant("plane AES-CM SHA1-80", "plane", "SRTP_AES128_CM_SHA1_80"),
    Variant("null sendmmsg", "sendmmsg", None),
    Variant("null sendmmsg+GSO", "gso", None),
)


def measure(
    variant: Variant, null_sfu: Path, subscribers: int, seconds: float, *, video: bool = True
) -> dict[str, tuple[float, str]]:
    """Run one server for `seconds` after a warm-up of one."""
    with receivers(null_sfu, subscribers) as ends:
        probe = Publisher(("127.0.0.1", 9), None).socket
        if variant.profile is None:
            server = Child([str(null_sfu), variant.mode, *map(str, ends.ports)])
        else:
            ports = [str(probe.getsockname()[1]), *map(str, ends.ports)]
            server = Child([sys.executable, "-m", "bench.plane_server", variant.profile, *ports])
        try:
            target = ("127.0.0.1", int(server.line()))
            publisher = Publisher(target, variant.profile)
            publisher.socket.close()
            publisher.socket = probe
            reporters = Reporters(ends.sockets, target, variant.profile)
            play(publisher, reporters, 1, video=video)
            sleep(0.2)
            before, drained = server.usage(), ends.child.usage().packets
            play(publisher, reporters, seconds, video=video)
            sleep(0.2)
            used, delivered = server.usage().since(before), ends.child.usage().packets - drained
        finally:
            probe.close()
            server.stop()
    expected = used.packets
    return {
        "cpu": ((used.user_us + used.system_us) / expected, "µs/packet"),
        "user": (used.user_us / expected, "µs/packet"),
        "system": (used.system_us / expected, "µs/packet"),
        "send calls": (used.calls / expected, "per packet"),
        "forwarded": (expected / seconds, "packets/s"),
        "delivery": (min(1.0, delivered / expected), "share"),
    }


def compiled(folder: Path) -> Path:
    """Compile the null SFU with cc. Raises RuntimeError where there is none."""
    target = folder / "null_sfu"
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("bench.plane needs a C compiler named cc")
    subprocess.run([compiler, "-O2", "-pthread", "-o", str(target), str(SOURCE)], check=True)
    return target


@app.default
def main(
    *, subscribers: int = 100, seconds: float = 4, rounds: int = 5, video: bool = True, json_lines: Path | None = None
) -> None:
    """Measure all variants in turns and print one line a figure: median (min-max) of the rounds."""
    results: dict[str, Rounds] = {variant.name: [] for variant in VARIANTS}
    with TemporaryDirectory() as folder:
        null_sfu = compiled(Path(folder))
        for number in range(rounds):
            for variant in VARIANTS:
                figures = measure(variant, null_sfu, subscribers, seconds, video=video)
                results[variant.name].append(figures)
                print(f"round {number + 1}/{rounds} {variant.name}: {figures['cpu'][0]:.2f} µs/packet", file=sys.stderr)
    conditions = {"scenario": "plane", "subscribers": subscribers, "seconds": seconds, "rounds": rounds, "video": video}
    for variant in VARIANTS:
        summary = round_figures(variant.name, results[variant.name])
        print_table(summary, f"{variant.name}, {'webinar' if video else 'audio'} 1 -> {subscribers}")
        if json_lines is not None:
            write_json(summary, conditions, json_lines)


if __name__ == "__main__":
    app()
