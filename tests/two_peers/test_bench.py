"""The load generator against the real server: what it must be able to say of a healthy one."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest
from bench.__main__ import app
from bench.client import Client, ClientFailed
from bench.guard import resolve_target
from bench.publisher import Publisher
from bench.rtc.dtls import Profile
from bench.rtc.rtp import AUDIO, VIDEO
from bench.scenarios.join import run_join
from bench.scenarios.meeting import run_meeting
from bench.scenarios.plan import Outcome, Plan
from bench.scenarios.webinar import run_webinar
from bench.station import Station
from tests.support.server import ConclaveServer, serving

DEVELOPMENT = {"meetings.open_creation": "true"}


def plan_for(server: ConclaveServer) -> Plan:
    return Plan(
        rate=20, duration_s=2, rounds=1, server_pid=server.pid, invitation=None, service_token=None, report=lambda *_: None
    )


def station_for(server: ConclaveServer, profile: Profile = Profile.GCM128, network: str = "udp") -> Station:
    return Station(resolve_target(server.url, yes_remote=False), server.tls, profiles=(profile,), network=network)


def assert_healthy(outcome: Outcome) -> None:
    assert outcome.failures == Counter()
    assert outcome.value("joined") == 100.0
    delivery = outcome.value("delivery")
    assert delivery is not None
    assert delivery >= 99.9
    assert outcome.value("invalid") == 0
    assert outcome.value("duplicated") == 0


@pytest.mark.parametrize("network", ["udp", "tcp"])
@pytest.mark.parametrize("profile", list(Profile))
async def test_three_watch_one_over_each_profile_and_transport(tmp_path: Path, profile: Profile, network: str) -> None:
    async with serving(tmp_path, settings=DEVELOPMENT) as server, station_for(server, profile, network) as station:
        outcome = await run_webinar(station, plan_for(server), subscribers=3)
    assert_healthy(outcome)
    for name in ("join_total_p50", "latency_p50", "server_cpu_per_packet"):
        assert outcome.value(name) is not None


async def test_everybody_in_a_meeting_receives_everybody_else(tmp_path: Path) -> None:
    async with serving(tmp_path, settings=DEVELOPMENT) as server, station_for(server) as station:
        outcome = await run_meeting(station, plan_for(server), participants=4)
    assert_healthy(outcome)


async def test_viewers_come_and_go(tmp_path: Path) -> None:
    async with serving(tmp_path, settings=DEVELOPMENT) as server, station_for(server) as station:
        outcome = await run_join(station, plan_for(server), joins=10, stay_s=0)
    assert outcome.failures == Counter()
    assert outcome.value("joined") == 100.0


async def test_a_viewer_who_publishes_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, settings=DEVELOPMENT) as server, station_for(server) as station:
        invitations = await station.open_meeting()
        host, viewer = Client(station, "host"), Client(station, "viewer")
        try:
            await host.connect(invitations.host)
            await host.open_meeting("bench")
            await host.join()
            await host.publish(Publisher(0))
            await viewer.connect(await server.invite(invitations.meeting_id, "viewer"))
            await viewer.join(auto_subscribe=True)
            with pytest.raises(ClientFailed, match="unauthorized"):
                await viewer.publish(Publisher(1))
            await viewer.wait_flowing({(0, AUDIO), (0, VIDEO)}, timeout_s=5)
        finally:
            await viewer.close()
            await host.close()


async def test_the_command_line_prints_and_writes_its_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.jsonl"
    async with serving(tmp_path, settings=DEVELOPMENT) as server:
        command = [
            "webinar",
            server.url,
            "--ca",
            str(server.certificate),
            "--subscribers",
            "2",
            "--duration",
            "1",
            "--json",
            str(figures),
        ]

        def run() -> object:
            with pytest.raises(SystemExit) as ended:
                app(command)
            return ended.value.code

        assert await asyncio.to_thread(run) == 0
    lines = [json.loads(line) for line in figures.read_text().splitlines()]
    assert lines[0]["conditions"]["subscribers"] == 2
    assert {"joined", "delivery", "join_total_p50"} <= {line["name"] for line in lines[1:]}
