from collections import Counter

from bench.client import Client
from bench.guard import resolve_target, tls_context
from bench.results import Figure
from bench.rtc.dtls import Profile
from bench.scenarios.plan import Outcome, ramp
from bench.station import Station


def outcome_with(**values: float) -> Outcome:
    return Outcome("webinar", [Figure("webinar", name, value, "", 1) for name, value in values.items()])


def test_a_figure_is_found_by_its_name() -> None:
    outcome = outcome_with(delivery=99.0)
    assert outcome.value("delivery") == 99.0
    assert outcome.value("joined") is None
    assert outcome.failures == Counter()


def test_a_busy_generator_makes_the_figures_doubtful() -> None:
    assert outcome_with(generator_late_p99=2.0, generator_cpu=30.0).doubts() == []
    assert "40 ms late" in outcome_with(generator_late_p99=40.0).doubts()[0]
    assert "95 % of its core" in outcome_with(generator_cpu=95.0).doubts()[0]


async def test_a_ramp_starts_everybody_and_waits_for_all() -> None:
    target = resolve_target("https://localhost:1", yes_remote=False)
    async with Station(target, tls_context(insecure=True, ca=None), profiles=(Profile.CM,)) as station:
        clients = [Client(station, str(number)) for number in range(5)]
        started: list[str] = []
        reported: list[tuple[float, float]] = []

        async def step(client: Client) -> None:
            started.append(client.name)

        await ramp(clients, 1000, step, lambda _, done, total: reported.append((done, total)), "joining")
    assert started == ["0", "1", "2", "3", "4"]
    assert reported[-1] == (5, 5)


def test_shares_and_phases_are_those_of_the_clients_that_joined() -> None:
    outcome = Outcome("join")

    class Joined:
        class times:
            @staticmethod
            def phases_ms() -> dict[str, float]:
                return {"websocket": 2.0, "total": 9.0}

    outcome.add_joins([Joined(), Joined(), Joined()], 1)  # type: ignore[list-item]
    assert outcome.value("joined") == 75.0
    assert outcome.value("join_total_p95") == 9.0
    assert outcome.value("join_websocket_p50") == 2.0
