"""What every scenario with media does once its clients are seated: weigh the server, then measure windows."""

from collections.abc import Sequence

from bench.client import Client
from bench.delivery import Stream
from bench.measuring import measure
from bench.publisher import Publisher
from bench.results import Figure, Rounds, round_figures
from bench.scenarios.plan import Outcome, Plan, resident_bytes
from bench.station import Station


def add_memory(outcome: Outcome, plan: Plan, name: str, before: int | None, seated: int) -> None:
    """Add the server's growth in KiB for each of those `seated` since `before`; nothing when the server is elsewhere."""
    after = resident_bytes(plan.server_pid)
    if seated and before is not None and after is not None:
        outcome.figures.append(Figure(outcome.scenario, name, (after - before) / 1024 / seated, "KiB", seated))


async def add_rounds(
    outcome: Outcome,
    plan: Plan,
    station: Station,
    publishers: Sequence[Publisher],
    wanted: Sequence[tuple[Client, set[Stream]]],
) -> None:
    """Measure the plan's windows and add their figures; none when nobody is seated. `wanted` as for `measure`."""
    rounds: Rounds = []
    for number in range(plan.rounds if wanted else 0):
        what = f"measuring, round {number + 1} of {plan.rounds}"
        rounds.append(
            await measure(
                station,
                publishers,
                wanted,
                duration_s=plan.duration_s,
                server_pid=plan.server_pid,
                tick=lambda passed, what=what: plan.report(what, passed, plan.duration_s),  # type: ignore[misc]
            )
        )
    outcome.figures += round_figures(outcome.scenario, rounds)
