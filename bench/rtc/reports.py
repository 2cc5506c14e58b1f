"""Receiver reports of a subscriber, once a second as browsers send them (RFC 3550, 6.4)."""

import time

from bench.rtc.receiver import Receiver, StreamLog
from bench.rtc.rtcp import SENDER_REPORT, Part, ReportBlock, receiver_report

_DLSR_UNITS_PER_S = 65536


class _Progress:
    __slots__ = ("first", "highest", "last_expected", "last_received")

    def __init__(self, sequence_number: int) -> None:
        self.first = sequence_number
        self.highest = sequence_number
        self.last_expected = 0
        self.last_received = 0


class Reports:
    """Makes the reports of one receiver. Loss is counted per report from the highest number and the packets seen;
    jitter is not measured (0)."""

    def __init__(self, receiver: Receiver, ssrc: int) -> None:
        self._receiver = receiver
        self._ssrc = ssrc
        self._progress: dict[int, _Progress] = {}
        self._sender_reports: dict[int, tuple[int, int]] = {}

    def take_rtcp(self, part: Part) -> None:
        """Note the time of a sender report, to be echoed."""
        if part.kind == SENDER_REPORT and len(part.body) >= 8:
            self._sender_reports[part.ssrc] = (int.from_bytes(part.body[2:6], "big"), time.monotonic_ns())

    def compound(self) -> bytes | None:
        """Return a plain receiver report over all streams that got something, None when there is none."""
        now_ns = time.monotonic_ns()
        blocks = [self._block(log, now_ns) for log in self._receiver.logs.values() if log.seqs]
        return receiver_report(self._ssrc, blocks) if blocks else None

    def _block(self, log: StreamLog, now_ns: int) -> ReportBlock:
        progress = self._progress.get(log.ssrc)
        if progress is None:
            progress = self._progress[log.ssrc] = _Progress(log.seqs[0])
        progress.highest += advance_of(progress.highest & 0xFFFF, log.seqs[-1])
        expected = progress.highest - progress.first + 1
        received = log.received
        new_expected = expected - progress.last_expected
        new_lost = max(0, new_expected - (received - progress.last_received))
        fraction = min(255, 256 * new_lost // new_expected) if new_expected > 0 else 0
        progress.last_expected, progress.last_received = expected, received
        lsr, seen_ns = self._sender_reports.get(log.ssrc, (0, now_ns))
        dlsr = (now_ns - seen_ns) * _DLSR_UNITS_PER_S // 1_000_000_000 if lsr else 0
        return ReportBlock(log.ssrc, fraction, max(0, expected - received), progress.highest & 0xFFFFFFFF, 0, lsr, dlsr)


def advance_of(previous: int, number: int) -> int:
    """Return how far `number` is ahead of `previous` modulo 2**16; 0 when it is behind."""
    ahead = number - previous & 0xFFFF
    return ahead if ahead < 0x8000 else 0
