"""python -m bench webinar|meeting|join [URL]: drive a Conclave server and print what it did."""

import asyncio
import errno
import platform
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import uvloop
from cyclopts import App, Parameter
from rich.console import Console

from bench.client import ClientFailed
from bench.guard import RefusedTarget, Target, raise_file_limit, resolve_target, tls_context
from bench.process import find_listener
from bench.progress import Progress
from bench.results import print_table, write_json
from bench.rtc.dtls import Profile
from bench.scenarios.join import run_join
from bench.scenarios.meeting import run_meeting
from bench.scenarios.plan import Outcome, Plan
from bench.scenarios.webinar import run_webinar
from bench.station import MeetingRefused, Station

DEFAULT_URL = "https://localhost:8443"
DEVELOPMENT_AUTHORITY = Path("certs/authority.pem")

app = App(name="bench", help="Load generator for Conclave servers. Aim it only at servers of your own.")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of every scenario."""

    insecure: bool = False
    """Do not verify the server's certificate."""
    ca: Path | None = None
    """PEM file of the authority that signed it; certs/authority.pem is taken for a server on this machine."""
    yes_remote: bool = False
    """The server is not this machine, it is mine, and I want to load it."""
    invitation: str | None = None
    """Token of an invitation to use; otherwise a meeting is opened over HTTP."""
    service_token: str | None = None
    """Bearer token that may open meetings, where that is not open to everybody."""
    duration: float = 10.0
    """Seconds of a measured window."""
    rounds: int = 1
    """Windows; figures are the median with minimum and maximum."""
    rate: float = 20.0
    """Joins a second."""
    profile: tuple[Profile, ...] = (Profile.GCM128, Profile.GCM256, Profile.CM)
    """SRTP profiles that the clients offer; may be repeated."""
    transport: Literal["udp", "tcp"] = "udp"
    """Of the media."""
    audio_only: bool = False
    """Publish no video."""
    server_pid: int | None = None
    """Process whose CPU and memory count; found by its listening port for a server on this machine."""
    json: Path | None = None
    """Append one JSON line per figure."""
    min_joined: float = 100.0
    """Percentage under which the exit status is 1."""
    min_delivery: float = 99.9
    """Percentage under which the exit status is 1."""


_DEFAULTS = Options()
Work = Callable[[Station, Plan], Awaitable[Outcome]]


@app.command
def webinar(url: str = DEFAULT_URL, *, subscribers: int = 100, publishers: int = 1, options: Options = _DEFAULTS) -> int:
    """Few publish audio and video, many watch."""
    conditions: dict[str, object] = {"subscribers": subscribers, "publishers": publishers}
    return _run("webinar", url, options, conditions, lambda station, plan: run_webinar(
        station, plan, subscribers=subscribers, publishers=publishers, audio_only=options.audio_only
    ))  # fmt: skip


@app.command
def meeting(url: str = DEFAULT_URL, *, participants: int = 10, options: Options = _DEFAULTS) -> int:
    """Everybody publishes and receives everybody else."""
    conditions: dict[str, object] = {"participants": participants}
    return _run("meeting", url, options, conditions, lambda station, plan: run_meeting(
        station, plan, participants=participants, audio_only=options.audio_only
    ))  # fmt: skip


@app.command
def join(url: str = DEFAULT_URL, *, joins: int = 100, stay: float = 0.5, options: Options = _DEFAULTS) -> int:
    """Viewers come at a steady rate, stay for a moment and leave.

    Parameters
    ----------
    joins
        How many in each round.
    stay
        Seconds between first media and leaving.
    """
    conditions: dict[str, object] = {"joins": joins, "stay_s": stay}
    return _run("join", url, options, conditions, lambda station, plan: run_join(
        station, plan, joins=joins, stay_s=stay, audio_only=options.audio_only
    ))  # fmt: skip


def _run_to_end(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Run `work` in a loop of its own and return its result.

    uvloop refuses to close (EBUSY) while a transport that was aborted still has a handle; the figures are complete by then.
    """
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        return runner.run(work)
    finally:
        try:
            runner.close()
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise


def _run(scenario: str, url: str, options: Options, conditions: dict[str, object], work: Work) -> int:
    errors = Console(stderr=True)
    try:
        target = resolve_target(url, yes_remote=options.yes_remote)
        raise_file_limit()
        with Progress(errors) as progress:
            outcome = _run_to_end(_drive(target, options, work, progress))
    except RefusedTarget as refusal:
        errors.print(f"bench: {refusal}", style="red", highlight=False)
        return 2
    except (ClientFailed, MeetingRefused) as failure:
        errors.print(f"bench: {scenario}: {failure}", style="red", highlight=False)
        return 1
    shared: dict[str, object] = {
        "scenario": scenario,
        "transport": options.transport,
        "profiles": [str(profile) for profile in options.profile],
        "duration_s": options.duration,
        "rounds": options.rounds,
        "rate": options.rate,
        "audio_only": options.audio_only,
        "python": platform.python_version(),
    }
    described = ", ".join(f"{value} {name}" for name, value in conditions.items())
    print_table(outcome.figures, f"{scenario}: {described}, {options.transport}")
    for reason, count in outcome.failures.most_common(5):
        errors.print(f"{count} x {reason}", style="red", highlight=False)
    for doubt in outcome.doubts():
        errors.print(doubt, style="yellow", highlight=False)
    if options.json is not None:
        write_json(outcome.figures, shared | conditions, options.json)
    return int(not _is_good(outcome, options))


async def _drive(target: Target, options: Options, work: Work, progress: Progress) -> Outcome:
    server_pid = options.server_pid
    if server_pid is None and target.local:
        server_pid = find_listener(target.port)
    plan = Plan(
        rate=options.rate,
        duration_s=options.duration,
        rounds=options.rounds,
        server_pid=server_pid,
        invitation=options.invitation,
        service_token=options.service_token,
        report=progress.report,
    )
    tls = tls_context(insecure=options.insecure, ca=options.ca or _development_authority(target))
    async with Station(target, tls, profiles=options.profile, network=options.transport) as station:
        return await work(station, plan)


def _development_authority(target: Target) -> Path | None:
    return DEVELOPMENT_AUTHORITY if target.local and DEVELOPMENT_AUTHORITY.exists() else None


def _is_good(outcome: Outcome, options: Options) -> bool:
    joined = outcome.value("joined")
    delivery = outcome.value("delivery")
    return (joined is None or joined >= options.min_joined) and (delivery is None or delivery >= options.min_delivery)


if __name__ == "__main__":
    sys.exit(app())
