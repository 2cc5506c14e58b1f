"""Prometheus metrics. The plane counts its packets natively and is read at scrape time; labels never name people or meetings."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Numbers = Callable[[], Mapping[str, int]]

DROP_PREFIX = "drop_"
LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)


class PlaneCollector(Collector):
    """Turns `Plane.counters()` and `Plane.table_sizes()` into conclave_plane_* families."""

    def __init__(self, counters: Numbers, table_sizes: Numbers) -> None:
        self._counters = counters
        self._table_sizes = table_sizes

    def collect(self) -> Iterator[Metric]:
        drops = CounterMetricFamily("conclave_plane_drops", "Datagrams dropped, by reason.", labels=["reason"])
        for name, value in sorted(self._counters().items()):
            if name.startswith(DROP_PREFIX):
                drops.add_metric([name[len(DROP_PREFIX) :]], value)
            else:
                yield CounterMetricFamily(f"conclave_plane_{name}", f"Packet plane: {name.replace('_', ' ')}.", value=value)
        yield drops
        sizes = GaugeMetricFamily("conclave_plane_slots", "Entries of the plane's tables in use.", labels=["table"])
        for name, value in sorted(self._table_sizes().items()):
            sizes.add_metric([name], value)
        yield sizes


class CountsCollector(Collector):
    """Turns a mapping of event totals into one family: conclave_<subject>_total{event="..."}."""

    def __init__(self, subject: str, counts: Numbers) -> None:
        self._subject = subject
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(f"conclave_{self._subject}", f"Events of the {self._subject}.", labels=["event"])
        for name, value in sorted(self._counts().items()):
            family.add_metric([name], value)
        yield family


class SizesCollector(Collector):
    """Turns a mapping of present sizes into one family: conclave_<subject>{of="..."}."""

    def __init__(self, subject: str, sizes: Numbers) -> None:
        self._subject = subject
        self._sizes = sizes

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(f"conclave_{self._subject}", f"Present sizes of the {self._subject}.", labels=["of"])
        for name, value in sorted(self._sizes().items()):
            family.add_metric([name], value)
        yield family


class Metrics:
    """All metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "conclave_http_requests", "HTTP requests by route and status.", ["route", "status"], registry=self.registry
        )
        self._messages = Counter(
            "conclave_signaling_messages", "Signaling messages by type and outcome.", ["type", "outcome"], registry=self.registry
        )
        self._durations = Histogram(
            "conclave_signaling_duration_seconds", "From the bytes of a message to its effects.", buckets=LAG_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._lag = Histogram(
            "conclave_loop_lag_seconds", "How late the event loop ran a timer.", buckets=LAG_BUCKETS, registry=self.registry
        )
        self._sources = Gauge("conclave_edge_sources", "Sources with open connections.", registry=self.registry)
        self._tasks = Gauge("conclave_tasks", "Tasks of the event loop.", registry=self.registry)

    def register(self, collector: Collector) -> None:
        self.registry.register(collector)

    def watch_sources(self, count: Callable[[], int]) -> None:
        self._sources.set_function(lambda: float(count()))

    def watch_tasks(self, count: Callable[[], int]) -> None:
        self._tasks.set_function(lambda: float(count()))

    def http_request(self, route: str, status: int) -> None:
        """`route` is a path of the ROUTES table, never the path that came in."""
        self._requests.labels(route, str(status)).inc()

    def message(self, message_type: str, outcome: str, seconds: float) -> None:
        """`message_type` is a declared type or "unknown"; `outcome` is "ok" or an error code."""
        self._messages.labels(message_type, outcome).inc()
        self._durations.observe(seconds)

    def loop_lag(self, seconds: float) -> None:
        self._lag.observe(seconds)

    def render(self) -> bytes:
        """The exposition text, version 0.0.4."""
        return generate_latest(self.registry)
