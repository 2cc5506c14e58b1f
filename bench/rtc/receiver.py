"""What a subscriber receives: every packet counted from its clear header, one in fifty decrypted and checked."""

import random
import struct
import time
from array import array
from collections.abc import Callable
from typing import NamedTuple

from pylibsrtp import Session

from bench.rtc.batch import BatchReader
from bench.rtc.rtcp import is_rtcp
from bench.rtc.rtp import check_payload, payload_of
from bench.rtc.srtp import SrtpError

SAMPLE_EVERY = 50
_HEADER = struct.Struct("!BBHII")


class Sample(NamedTuple):
    """A decrypted packet: it stands at `place` in the log. Latencies in ns: until it reached the socket, until it was read."""

    place: int
    publisher: int
    kind: int
    counter: int
    latency_ns: int
    read_latency_ns: int


class StreamLog:
    """The sequence numbers of one SSRC in the order of arrival, and its samples."""

    __slots__ = ("forgotten", "payload_type", "samples", "sampling_due", "seqs", "ssrc")

    def __init__(self, ssrc: int, payload_type: int) -> None:
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.seqs = array("H")
        self.samples: list[Sample] = []
        self.sampling_due = True
        self.forgotten = 0

    @property
    def received(self) -> int:
        """Packets since the stream began."""
        return self.forgotten + len(self.seqs)

    def clear(self) -> None:
        """Forget what was logged; the next packet is a sample."""
        self.forgotten += len(self.seqs)
        self.seqs = array("H")
        self.samples = []
        self.sampling_due = True


class Receiver:
    """Takes all datagrams of one transport. Not RTP: STUN and DTLS go to `on_control`, RTCP to `on_rtcp`, both as bytes.

    `session` is None until the handshake is complete; RTP before that cannot be verified and is not looked at.
    """

    def __init__(
        self, on_control: Callable[[bytes], None], on_rtcp: Callable[[bytes], None], *, sample_every: int = SAMPLE_EVERY
    ) -> None:
        self._on_control = on_control
        self._on_rtcp = on_rtcp
        self.on_sample: Callable[[StreamLog, Sample], None] | None = None
        self.session: Session | None = None
        self.logs: dict[int, StreamLog] = {}
        self.packets = 0
        self.rtcp_packets = 0
        self.invalid_samples = 0
        self.sample_every = sample_every
        self._until_sample = random.randint(1, sample_every)

    def take_batch(self, reader: BatchReader, count: int) -> None:
        """Log a batch; see `Sink`."""
        slots, logs, unpack = reader.slots, self.logs, _HEADER.unpack_from
        for index in range(count):
            slot = slots[index]
            first, second, sequence_number, _, ssrc = unpack(slot)
            if first & 0xC0 != 0x80 or 192 <= second <= 223:
                self._take_other(bytes(slot[: reader.length(index)]), second)
                continue
            log = logs.get(ssrc) or self._new_log(ssrc, second & 0x7F)
            log.seqs.append(sequence_number)
            self.packets += 1
            self._until_sample -= 1
            if log.sampling_due or self._until_sample <= 0:
                self._sample(log, bytes(slot[: reader.length(index)]), reader.arrival_ns(index))

    def take_datagram(self, datagram: bytes, arrival_ns: int) -> None:
        """Log one datagram that came over TCP."""
        if len(datagram) < _HEADER.size:
            return
        first, second, sequence_number, _, ssrc = _HEADER.unpack_from(datagram)
        if first & 0xC0 != 0x80 or is_rtcp(second):
            self._take_other(datagram, second)
            return
        log = self.logs.get(ssrc) or self._new_log(ssrc, second & 0x7F)
        log.seqs.append(sequence_number)
        self.packets += 1
        self._until_sample -= 1
        if log.sampling_due or self._until_sample <= 0:
            self._sample(log, datagram, arrival_ns)

    def clear(self) -> None:
        """Start all logs anew, for the next window."""
        for log in self.logs.values():
            log.clear()

    def _take_other(self, datagram: bytes, second: int) -> None:
        if not datagram:
            return
        if datagram[0] & 0xC0 == 0x80:
            self.rtcp_packets += 1
            if self.session is not None and is_rtcp(second):
                self._on_rtcp(datagram)
        else:
            self._on_control(datagram)

    def _new_log(self, ssrc: int, payload_type: int) -> StreamLog:
        log = self.logs[ssrc] = StreamLog(ssrc, payload_type)
        return log

    def _sample(self, log: StreamLog, packet: bytes, arrival_ns: int) -> None:
        if self._until_sample <= 0:
            self._until_sample = self.sample_every
        if self.session is None:
            return
        read_ns = time.time_ns()
        try:
            stamp = check_payload(payload_of(self.session.unprotect(packet)))
        except (SrtpError, ValueError):
            self.invalid_samples += 1
            return
        log.sampling_due = False
        sample = Sample(
            len(log.seqs) - 1,
            stamp.publisher,
            stamp.kind,
            stamp.counter,
            (arrival_ns or read_ns) - stamp.sent_ns,
            read_ns - stamp.sent_ns,
        )
        log.samples.append(sample)
        if self.on_sample is not None:
            self.on_sample(log, sample)
