"""One measured window over clients that are already connected."""

import asyncio
import time
from collections.abc import Callable, Sequence

from bench.client import Client
from bench.delivery import Delivery, Edges, Stream
from bench.process import Usage, usage_of
from bench.publisher import Publisher
from bench.station import Station
from bench.summary import percentile

SETTLE_S = 0.3
DRAIN_S = 0.5
_NS_PER_MS = 1_000_000

Round = dict[str, tuple[float, str]]
Tick = Callable[[float], None]


async def measure(
    station: Station,
    publishers: Sequence[Publisher],
    wanted: Sequence[tuple[Client, set[Stream]]],
    *,
    duration_s: float,
    server_pid: int | None,
    tick: Tick,
) -> Round:
    """Let media flow for `duration_s` and return the figures of that window. `wanted` names the streams that each subscriber
    should get; `tick` is called with the seconds passed."""
    receivers = [client.subscribing.receiver for client, _ in wanted if client.subscribing is not None]
    for receiver in receivers:
        receiver.clear()
    await asyncio.sleep(SETTLE_S)
    station.pacer.clear()
    edges = Edges(_sent(publishers), {})
    forwarded = sum(receiver.packets for receiver in receivers)
    invalid = sum(receiver.invalid_samples for receiver in receivers)
    server = _usage(server_pid)
    own_s, started = time.process_time(), time.monotonic()
    await _pass(duration_s, tick)
    elapsed = time.monotonic() - started
    own_s = time.process_time() - own_s
    server_after = _usage(server_pid)
    edges.last = _sent(publishers)
    forwarded = sum(receiver.packets for receiver in receivers) - forwarded
    late_ns, skipped = station.pacer.late_ns, station.pacer.skipped
    await asyncio.sleep(DRAIN_S)
    invalid = sum(receiver.invalid_samples for receiver in receivers) - invalid
    delivery = Delivery()
    for client, streams in wanted:
        delivery.add(client.subscribing.receiver.logs.values() if client.subscribing else (), streams, edges)
    figures = _delivery_figures(delivery, invalid)
    figures["forwarded"] = (forwarded / elapsed, "packets/s")
    if server is not None and server_after is not None and forwarded:
        cpu_s = server_after.cpu_s - server.cpu_s
        figures["server_cpu_per_packet"] = (cpu_s / forwarded * 1e6, "µs")
        figures["server_cpu"] = (100 * cpu_s / elapsed, "% of a core")
    figures["generator_cpu"] = (100 * own_s / elapsed, "% of a core")
    if late_ns:
        figures["generator_late_p99"] = (percentile(late_ns, 99) / _NS_PER_MS, "ms")
    figures["generator_skipped"] = (float(skipped), "ticks")
    return figures


def _delivery_figures(delivery: Delivery, invalid: int) -> Round:
    figures: Round = {
        "delivery": (delivery.percent, "%"),
        "streams_flowing": (100 * (1 - delivery.silent_streams / max(delivery.streams, 1)), "%"),
        "duplicated": (float(delivery.duplicated), "packets"),
        "reordered": (float(delivery.reordered), "packets"),
        "invalid": (float(invalid), "samples"),
    }
    for name, values in (("latency", delivery.latencies_ns), ("read_latency", delivery.read_latencies_ns)):
        if values:
            figures[f"{name}_p50"] = (percentile(values, 50) / _NS_PER_MS, "ms")
            figures[f"{name}_p99"] = (percentile(values, 99) / _NS_PER_MS, "ms")
    return figures


async def _pass(duration_s: float, tick: Tick) -> None:
    end = time.monotonic() + duration_s
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(left, 0.5))
        tick(min(duration_s, duration_s - (end - time.monotonic())))


def _sent(publishers: Sequence[Publisher]) -> dict[Stream, int]:
    return {stream: packets for publisher in publishers for stream, packets in publisher.sent().items()}


def _usage(pid: int | None) -> Usage | None:
    if pid is None:
        return None
    try:
        return usage_of(pid)
    except ProcessLookupError:
        return None
