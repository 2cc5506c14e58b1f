import json
import os
import resource
import stat
from pathlib import Path

import pytest

from conclave.model.errors import Unavailable
from conclave.ports.audit import AuditEvent
from conclave.telemetry.audit_log import AuditLog


def make(path: Path, *, durable: bool = False) -> AuditLog:
    return AuditLog(path, durable=durable, wall=lambda: 1_700_000_000.25)


@pytest.mark.parametrize("durable", [True, False])
def test_a_record_is_in_the_file_when_record_returns(tmp_path: Path, durable: bool) -> None:
    log = make(tmp_path / "audit", durable=durable)
    log.record(AuditEvent(type="refused", meeting_id="m" * 16, details={"code": "forbidden", "count": 2}))
    line = json.loads((tmp_path / "audit").read_text())
    assert len(line.pop("id")) == 16
    assert line == {
        "time": "2023-11-14T22:13:20.250000Z",
        "type": "refused",
        "meeting_id": "m" * 16,
        "details": {"code": "forbidden", "count": 2},
    }
    log.close()


def test_records_are_appended_and_never_replaced(tmp_path: Path) -> None:
    for number in range(3):
        log = make(tmp_path / "audit")
        log.record(AuditEvent(type=f"event_{number}"))
        assert log.records == 1
        log.close()
    assert [json.loads(line)["type"] for line in (tmp_path / "audit").read_text().splitlines()] == [
        "event_0",
        "event_1",
        "event_2",
    ]


def test_the_file_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    make(tmp_path / "audit").close()
    assert stat.S_IMODE((tmp_path / "audit").stat().st_mode) == 0o600


def test_a_line_torn_by_a_crash_is_ended_before_the_next_record(tmp_path: Path) -> None:
    (tmp_path / "audit").write_bytes(b'{"type":"whole"}\n{"type":"to')
    log = make(tmp_path / "audit")
    log.record(AuditEvent(type="after"))
    log.close()
    lines = (tmp_path / "audit").read_bytes().splitlines()
    assert lines[1] == b'{"type":"to'
    assert json.loads(lines[2])["type"] == "after"


def test_a_full_disk_refuses_the_record_and_the_check(tmp_path: Path) -> None:
    os.symlink("/dev/full", tmp_path / "full")
    log = make(tmp_path / "audit")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._fd)
    os.close(full)
    with pytest.raises(Unavailable) as caught:
        log.record(AuditEvent(type="refused"))
    assert caught.value.door == "audit"
    with pytest.raises(Unavailable):
        log.check()
    log.close()


def test_a_healthy_log_passes_its_check(tmp_path: Path) -> None:
    log = make(tmp_path / "audit")
    log.check()
    log.close()


def test_a_path_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        make(tmp_path / "absent" / "audit")


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", tmp_path / "audit")
    with pytest.raises(Unavailable):
        make(tmp_path / "audit")


# --- files that follow one another --------------------------------------------------------------------------------------


def types_in(path: Path) -> list[str]:
    return [json.loads(line)["type"] for line in path.read_text().splitlines()]


def all_types(directory: Path) -> list[str]:
    return [name for path in [*sorted(directory.glob("audit.0*.jsonl")), directory / "audit.jsonl"] for name in types_in(path)]


@pytest.mark.parametrize("durable", [True, False])
def test_a_full_file_gets_a_number_and_no_record_is_lost(tmp_path: Path, durable: bool) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", durable=durable, wall=lambda: 1_700_000_000.0, max_bytes=500)
    for number in range(20):
        log.record(AuditEvent(type=f"event_{number:02}"))
    log.close()
    numbered = sorted(tmp_path.glob("audit.0*.jsonl"))
    assert numbered[0].name == "audit.000001.jsonl"
    assert len(numbered) == log.rotations > 2
    assert all(path.stat().st_size <= 500 and stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())
    assert all_types(tmp_path) == [f"event_{number:02}" for number in range(20)]
    assert log.counts() == {"records": 20, "rotations": len(numbered), "rotation_failures": 0}


def test_a_new_day_begins_a_new_file_also_after_a_restart(tmp_path: Path) -> None:
    now = [1_700_000_000.0]
    for day in range(3):
        log = AuditLog(tmp_path / "audit.jsonl", durable=False, wall=lambda: now[0])
        log.record(AuditEvent(type=f"day_{day}_a"))
        log.record(AuditEvent(type=f"day_{day}_b"))
        log.close()
        now[0] += 86_400
    assert types_in(tmp_path / "audit.000001.jsonl") == ["day_0_a", "day_0_b"]
    assert types_in(tmp_path / "audit.000002.jsonl") == ["day_1_a", "day_1_b"]
    assert types_in(tmp_path / "audit.jsonl") == ["day_2_a", "day_2_b"]


def test_a_crash_between_the_two_names_of_a_rotation_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, durable=False, wall=lambda: 1_700_000_000.0, max_bytes=200)
    log.record(AuditEvent(type="before"))
    log.close()
    os.link(path, tmp_path / "audit.000001.jsonl")
    (tmp_path / "audit.jsonl.next").touch(mode=0o600)
    log = AuditLog(path, durable=False, wall=lambda: 1_700_000_000.0, max_bytes=200)
    log.record(AuditEvent(type="after_the_crash"))
    log.record(AuditEvent(type="later"))
    log.close()
    assert all_types(tmp_path) == ["before", "after_the_crash", "later"]


def test_a_rotation_that_fails_is_counted_and_the_old_file_goes_on(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", durable=False, wall=lambda: 1_700_000_000.0, max_bytes=300)
    (tmp_path / "audit.jsonl.next").mkdir()
    for number in range(4):
        log.record(AuditEvent(type=f"event_{number}"))
    assert types_in(tmp_path / "audit.jsonl") == [f"event_{number}" for number in range(4)]
    assert (log.rotations, log.rotation_failures) == (0, 1)
    (tmp_path / "audit.jsonl.next").rmdir()
    for number in range(4, 8):
        log.record(AuditEvent(type=f"event_{number}"))
    log.close()
    assert log.rotations >= 1
    assert all_types(tmp_path) == [f"event_{number}" for number in range(8)]


def test_the_records_of_one_action_are_one_write(tmp_path: Path) -> None:
    log = make(tmp_path / "audit")
    log.record(AuditEvent(type="first"), AuditEvent(type="second"))
    log.close()
    assert types_in(tmp_path / "audit") == ["first", "second"]
    assert log.counts() == {"records": 2, "rotations": 0, "rotation_failures": 0}


@pytest.mark.parametrize("fits", [10, 150])
def test_of_records_that_do_not_all_fit_none_is_left(tmp_path: Path, fits: int) -> None:
    path = tmp_path / "audit"
    log = make(path)
    log.record(AuditEvent(type="before"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + fits, limits[1]))
    try:
        with pytest.raises(Unavailable):
            log.record(AuditEvent(type="first"), AuditEvent(type="second"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert types_in(path) == ["before"]
    log.record(AuditEvent(type="after"))
    log.close()
    assert types_in(path) == ["before", "after"]


def test_what_another_process_wrote_after_a_torn_record_stays(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    log = make(path)
    log.record(AuditEvent(type="before"))
    with path.open("ab") as other:
        other.write(b'{"type":"other"}\n')
    log._take_back(b'{"type":"fir')
    log.close()
    assert types_in(path) == ["before", "other"]


def test_beside_a_server_no_file_is_begun_and_nothing_is_lost(tmp_path: Path) -> None:
    now = [1_700_000_000.0]
    path = tmp_path / "audit.jsonl"
    server = AuditLog(path, durable=False, wall=lambda: now[0])
    server.record(AuditEvent(type="server_1"))
    now[0] += 86_400
    beside = AuditLog(path, durable=False, wall=lambda: now[0], max_bytes=10, rotates=False)
    beside.record(AuditEvent(type="beside_1"))
    server.record(AuditEvent(type="server_2"))
    beside.record(AuditEvent(type="beside_2"))
    for log in (server, beside):
        log.close()
    assert types_in(tmp_path / "audit.000001.jsonl") == ["server_1", "beside_1", "beside_2"]
    assert types_in(path) == ["server_2"]
