"""How much of what was sent in a window arrived, once, in order and when: counted in the publisher's own packet numbers.

A sample ties a place in a stream's log to the publisher's counter; the sequence numbers between samples do the rest. So the
edges of the window are exact for every subscriber, whatever was in flight when it began or ended.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.rtc.receiver import StreamLog

Stream = tuple[int, int]
"""(publisher, kind) as in `rtc.rtp`."""


@dataclass(slots=True)
class Edges:
    """Packet counters of each published stream at both ends of the window: [first, last)."""

    first: Mapping[Stream, int]
    last: Mapping[Stream, int]

    def expected(self, stream: Stream) -> int:
        return max(0, self.last.get(stream, 0) - self.first.get(stream, 0))


@dataclass(slots=True)
class Delivery:
    """Sums over subscribers and streams. Latencies in ns, of the samples in the window."""

    expected: int = 0
    received: int = 0
    duplicated: int = 0
    reordered: int = 0
    silent_streams: int = 0
    streams: int = 0
    latencies_ns: list[int] = field(default_factory=list)
    read_latencies_ns: list[int] = field(default_factory=list)

    @property
    def percent(self) -> float:
        return 100 * self.received / self.expected if self.expected else 0.0

    def add(self, logs: Iterable[StreamLog], wanted: Iterable[Stream], edges: Edges) -> None:
        """Count what one subscriber got of the streams that it wanted."""
        places: dict[Stream, list[StreamLog]] = {}
        for log in logs:
            for stream in {(sample.publisher, sample.kind) for sample in log.samples}:
                places.setdefault(stream, []).append(log)
        for stream in wanted:
            self.streams += 1
            self.expected += edges.expected(stream)
            first, last = edges.first.get(stream, 0), edges.last.get(stream, 0)
            counters = [counter for log in places.get(stream, ()) for counter in counters_of(log, stream)]
            inside = [counter for counter in counters if first <= counter < last]
            distinct = len(set(inside))
            self.received += distinct
            self.duplicated += len(inside) - distinct
            self.reordered += count_reordered(inside)
            self.silent_streams += not distinct
        for stream in places:
            self._add_latencies(places[stream], stream, edges)

    def _add_latencies(self, logs: Iterable[StreamLog], stream: Stream, edges: Edges) -> None:
        first, last = edges.first.get(stream, 0), edges.last.get(stream, 0)
        for log in logs:
            for sample in log.samples:
                if (sample.publisher, sample.kind) == stream and first <= sample.counter < last:
                    self.latencies_ns.append(sample.latency_ns)
                    self.read_latencies_ns.append(sample.read_latency_ns)


def counters_of(log: StreamLog, stream: Stream) -> list[int]:
    """Return the publisher's counters of the packets of `stream` in `log`, in the order of arrival.

    Packets before the first sample count with it; a slot that was switched belongs to the stream of the last sample before.
    """
    if not log.samples:
        return []
    unwrapped = unwrap(log.seqs)
    bounds = [sample.place for sample in log.samples[1:]] + [len(unwrapped)]
    counters: list[int] = []
    start = 0
    for sample, end in zip(log.samples, bounds, strict=True):
        if (sample.publisher, sample.kind) == stream:
            offset = sample.counter - unwrapped[sample.place]
            counters += [number + offset for number in unwrapped[start:end]]
        start = end
    return counters


def unwrap(numbers: Iterable[int]) -> list[int]:
    """Return 16-bit sequence numbers as integers that go on past 65,535; late packets keep their lower number."""
    unwrapped: list[int] = []
    reference: int | None = None
    for number in numbers:
        value = number if reference is None else reference + ((number - reference + 0x8000 & 0xFFFF) - 0x8000)
        unwrapped.append(value)
        reference = value if reference is None else max(reference, value)
    return unwrapped


def count_reordered(counters: Iterable[int]) -> int:
    """Return how many packets came after one with a higher number (RFC 4737, type-P-reordered)."""
    highest = -1
    reordered = 0
    for counter in counters:
        if counter < highest:
            reordered += 1
        highest = max(highest, counter)
    return reordered
