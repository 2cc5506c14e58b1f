import asyncio
import os
from pathlib import Path

import msgspec
import pytest
from tests.support.live import Starter, open_meeting, settings_in

from conclave.app.server import Server, limits_of
from conclave.app.state import REVOKED_FILE, StateError
from conclave.config.settings import MediaSettings, MeetingSettings, Settings, SignalingSettings
from conclave.edge.tls import CertificateError
from conclave.model.errors import Unavailable
from conclave.model.ids import MeetingId
from conclave.model.roles import Role


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_a_started_server_answers_and_knows_its_ports(start: Starter) -> None:
    live = await start()
    async with live.http.get(f"{live.url}/readyz") as response:
        assert response.status == 200
    assert live.server.port > 0
    assert len(live.server.lanes) == 1


async def test_a_stopped_server_leaves_no_task_and_no_descriptor(tmp_path: Path, start: Starter) -> None:
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
        server = Server(settings_in(tmp_path / name))
        await server.start()
        await server.stop()
        await asyncio.sleep(0)
        if name == "first":
            files = open_files()
    assert open_files() == files
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_stopping_twice_is_harmless(start: Starter) -> None:
    live = await start()
    await live.server.stop()
    await live.server.stop()


async def test_a_failed_start_leaves_nothing_behind(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    broken = msgspec.structs.replace(settings, media=MediaSettings(host="192.0.2.1", lanes=1))
    files = open_files()
    with pytest.raises(Unavailable):
        await Server(broken).start()
    assert open_files() == files


async def test_a_second_server_on_a_state_directory_is_refused_and_takes_no_revocation_from_the_first(start: Starter) -> None:
    live = await start()
    settings, clock = live.server.settings, live.server.clock
    with pytest.raises(StateError, match="another server"):
        await Server(settings).start()
    claims = live.server.invitations.issue(MeetingId("m" * 16), Role.VIEWER, clock.wall()).claims
    live.server.invitations.revoke(claims, clock.wall())
    await live.server.stop()
    assert claims.jti in (Path(settings.state.directory) / REVOKED_FILE).read_text()


async def test_a_missing_certificate_is_explained(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    Path(settings.listen.tls_certificate).unlink()
    with pytest.raises(CertificateError, match="does not exist"):
        await Server(settings).start()


async def test_a_state_directory_open_to_others_refuses_the_start(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    Path(settings.state.directory).mkdir(mode=0o755)
    with pytest.raises(StateError, match="chmod 700"):
        await Server(settings).start()


async def test_a_meeting_is_in_the_audit_log_and_in_the_metrics(start: Starter) -> None:
    live = await start()
    socket = await open_meeting(live, live.new_meeting())
    await socket.close()
    text = (Path(live.server.settings.state.directory) / "audit.jsonl").read_text()
    assert "meeting_created" in text
    assert "participant_joined" in text
    assert "Host" not in text
    assert 'conclave_signaling_messages_total{outcome="ok",type="join"} 1.0' in live.server.metrics.render().decode()


async def test_an_audit_log_that_fails_makes_the_server_unready_and_refuses_to_open(start: Starter) -> None:
    live = await start()
    socket = await live.connect()
    full = os.open("/dev/full", os.O_WRONLY)
    audit = Path(live.server.settings.state.directory) / "audit.jsonl"
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}") == str(audit):
                os.dup2(full, int(name))
        except OSError:
            continue
    os.close(full)
    await socket.send_json({"type": "hello", "id": 1, "protocol": 1, "token": live.invite(live.new_meeting())})
    await socket.receive_json(timeout=5)
    await socket.send_json({"type": "meeting.create", "id": 2, "title": "x"})
    assert (await socket.receive_json(timeout=5))["code"] == "unavailable"
    async with live.http.get(f"{live.url}/readyz") as response:
        assert response.status == 503
        assert "audit unavailable" in await response.text()
    await socket.close()


def test_the_limits_of_the_settings_reach_the_hub() -> None:
    settings = Settings(
        meetings=MeetingSettings(max_participants=3, max_tracks_per_participant=2),
        signaling=SignalingSettings(message_burst=5, messages_per_s=4),
    )
    limits = limits_of(settings)
    assert (limits.max_participants, limits.max_tracks_per_participant) == (3, 2)
    assert (limits.frames.burst, limits.frames.per_s) == (5, 4)
