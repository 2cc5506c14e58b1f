import os
import stat
from pathlib import Path

import pytest
from tests.support.live import Live, Starter, hello, starting

from conclave.model.errors import Unavailable
from conclave.store.revocation_file import RevocationFile

NOW_S = 1_000.0


def opened(path: Path, now_s: float = NOW_S) -> RevocationFile:
    return RevocationFile(path, durable=False, wall=lambda: now_s)


def test_what_was_kept_is_there_at_the_next_start_until_it_expires(tmp_path: Path) -> None:
    path = tmp_path / "revoked.jsonl"
    first = opened(path)
    first.keep("a", NOW_S + 10)
    first.keep("b", NOW_S + 100)
    first.keep("b", NOW_S + 50)
    first.close()
    second = opened(path)
    assert dict(second.kept()) == {"a": NOW_S + 10, "b": NOW_S + 100}
    second.close()
    third = opened(path, NOW_S + 20)
    assert dict(third.kept()) == {"b": NOW_S + 100}
    third.close()
    assert path.read_bytes().count(b"\n") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_torn_line_is_skipped_and_the_rest_counts(tmp_path: Path) -> None:
    path = tmp_path / "revoked.jsonl"
    path.write_bytes(b'{"jti":"a","until":2000}\n{"jti":"b","unt\n\xff\n{"jti":"c","until":3000}\n{"jti"')
    file = opened(path)
    assert dict(file.kept()) == {"a": 2000.0, "c": 3000.0}
    file.close()


def test_a_start_that_was_interrupted_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "revoked.jsonl"
    path.write_bytes(b'{"jti":"a","until":2000}\n')
    (tmp_path / "revoked.jsonl.next").write_bytes(b"half")
    file = opened(path)
    assert dict(file.kept()) == {"a": 2000.0}
    file.close()


def test_a_full_disk_refuses(tmp_path: Path) -> None:
    file = opened(tmp_path / "revoked.jsonl")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, file._fd)
    os.close(full)
    with pytest.raises(Unavailable):
        file.keep("a", NOW_S)
    file.close()


def test_a_place_that_cannot_be_written_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        opened(tmp_path / "absent" / "revoked.jsonl")


async def test_a_revoked_invitation_stays_revoked_over_a_restart(tmp_path: Path) -> None:
    async with starting(tmp_path) as start:
        live = await revoke_one(start)
        token, directory = live[1], Path(live[0].server.settings.state.directory).parent
        await live[0].stop()
        again = await Live.start(directory)
        socket = await again.connect()
        assert (await hello(socket, token))["code"] == "unauthorized"
        await socket.close()
        await again.stop()


async def revoke_one(start: Starter) -> tuple[Live, str]:
    live = await start()
    token = live.invite(live.new_meeting())
    now_s = live.server.clock.wall()
    live.server.invitations.revoke(live.server.invitations.verify(token, now_s), now_s)
    return live, token
