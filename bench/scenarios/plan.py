"""The conditions of a run, the same for every scenario, and what a run hands back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.client import Client
from bench.process import usage_of
from bench.results import Figure, percentile_figures
from bench.station import Station
from conclave.model.roles import Role

Report = Callable[[str, float, float], None]
"""Progress: what is going on, how much is done, of how much."""

Step = Callable[[Client], Coroutine[Any, Any, None]]

MEDIA_TIMEOUT_S = 10.0
LATE_MS = 10.0
BUSY_PERCENT = 90.0


@dataclass(frozen=True, slots=True)
class Plan:
    """rate: joins a second; rounds: measured windows of duration_s each; server_pid: None when the server is elsewhere."""

    rate: float
    duration_s: float
    rounds: int
    server_pid: int | None
    invitation: str | None
    service_token: str | None
    report: Report


@dataclass(slots=True)
class Outcome:
    """The figures of a run and the reasons of what failed."""

    scenario: str
    figures: list[Figure] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def value(self, name: str) -> float | None:
        """Return a figure's value by its name, None when the run did not produce it."""
        return next((figure.value for figure in self.figures if figure.name == name), None)

    def doubts(self) -> list[str]:
        """Return what makes the figures doubtful: a generator without time to send and read measures itself."""
        late_ms = self.value("generator_late_p99") or 0.0
        cpu_percent = self.value("generator_cpu") or 0.0
        found = []
        if late_ms > LATE_MS:
            found.append(
                f"1 % of the packets was sent {late_ms:.0f} ms late or later: this busy machine may have made the latencies"
            )
        if cpu_percent > BUSY_PERCENT:
            found.append(f"the generator used {cpu_percent:.0f} % of its core: it is the limit here, not the server")
        return found

    def add_joins(self, clients: list[Client], failed: int) -> None:
        """Add the share of those that joined and the time of each phase."""
        total = len(clients) + failed
        self.figures.append(Figure(self.scenario, "joined", 100 * len(clients) / max(total, 1), "%", total))
        phases: dict[str, list[float]] = {}
        for client in clients:
            for phase, duration in client.times.phases_ms().items():
                phases.setdefault(phase, []).append(duration)
        for phase, durations in phases.items():
            self.figures += percentile_figures(self.scenario, f"join_{phase}", durations, "ms")


@dataclass(frozen=True, slots=True)
class Room:
    """A meeting that is open, the client that holds it open, and the tokens for those who publish and those who watch."""

    host: Client
    speaker_token: str
    viewer_token: str
    meeting_id: str
    owned: bool


@asynccontextmanager
async def open_room(station: Station, plan: Plan, *, auto_subscribe: bool) -> AsyncIterator[Room]:
    """Open a meeting (or use the invitation), seat the first client, and end it afterwards if it is ours.

    Raises ClientFailed or MeetingRefused.
    """
    host = Client(station, "bench 0")
    try:
        if plan.invitation is not None:
            await _enter(host, plan.invitation, auto_subscribe)
            viewer, owned = plan.invitation, False
            yield Room(host, plan.invitation, viewer, _meeting_id(host), owned)
            return
        invitations = await station.open_meeting(plan.service_token)
        await _enter(host, invitations.host, auto_subscribe)
        await host.open_doors()
        viewer = await host.invite(Role.VIEWER)
        yield Room(host, invitations.participant, viewer, invitations.meeting_id, owned=True)
        await host.end_meeting()
    finally:
        await host.close()


async def ramp(clients: list[Client], rate: float, step: Step, report: Report, what: str) -> None:
    """Start `step` for each client at `rate` a second, and wait for all."""
    loop = asyncio.get_running_loop()
    started, tasks, done = loop.time(), [], 0

    def count(_: object) -> None:
        nonlocal done
        done += 1
        report(what, done, len(clients))

    for index, client in enumerate(clients):
        await asyncio.sleep(max(0.0, started + index / rate - loop.time()))
        task = asyncio.create_task(step(client))
        task.add_done_callback(count)
        tasks.append(task)
    await asyncio.gather(*tasks)


def resident_bytes(pid: int | None) -> int | None:
    if pid is None:
        return None
    try:
        return usage_of(pid).resident_bytes
    except ProcessLookupError:
        return None


async def _enter(host: Client, token: str, auto_subscribe: bool) -> None:
    welcome = await host.connect(token)
    if not welcome.meeting_open:
        await host.open_meeting("bench")
    await host.join(auto_subscribe=auto_subscribe)


def _meeting_id(host: Client) -> str:
    return host.welcome.meeting_id if host.welcome is not None else ""
