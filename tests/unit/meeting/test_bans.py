import pytest

from conclave.meeting import bans as bans_module
from conclave.meeting.bans import BAN_S, MAX_BANS_PER_MEETING, Bans, bars
from conclave.model.entry import Ban
from conclave.model.ids import MeetingId

ROOM, OTHER_ROOM = MeetingId("m" * 16), MeetingId("n" * 16)


def ban(*, personal: bool = False, whole: bool = False, device_id: str = "device", source_hash: bytes = b"net") -> Ban:
    return Ban(
        jti="link",
        personal=personal,
        device_id=device_id,
        source_hash=source_hash,
        whole=whole,
        until_s=100.0,
        source_until_s=50.0,
    )


def meant(by: Ban, jti: str, device_id: str, *source_hashes: bytes, wall_s: float = 1.0) -> bool:
    return bars(by, jti, device_id, source_hashes, wall_s)


def test_a_removal_by_a_shared_link_bars_device_and_the_link_from_there() -> None:
    removed = ban()
    assert meant(removed, "other", "device", b"elsewhere")
    assert meant(removed, "link", "new", b"net")
    assert not meant(removed, "link", "new", b"elsewhere")
    assert not meant(removed, "other", "new", b"net")


def test_a_removal_bars_a_personal_link_everywhere() -> None:
    assert meant(ban(personal=True), "link", "new", b"elsewhere")


def test_a_ban_bars_link_device_and_network_each_by_itself() -> None:
    banned = ban(whole=True)
    assert meant(banned, "link", "", b"")
    assert meant(banned, "other", "device", b"")
    assert meant(banned, "other", "", b"net")
    assert not meant(banned, "other", "new", b"elsewhere")


def test_what_is_unknown_bars_nobody() -> None:
    assert not meant(ban(whole=True, device_id="", source_hash=b""), "other", "", b"")


def test_a_ban_holds_for_its_meeting_and_its_time() -> None:
    bans = Bans()
    bans.add(ROOM, ban(whole=True))
    assert bans.bar(ROOM, "link", "", (), 99.0)
    assert not bans.bar(OTHER_ROOM, "link", "", (), 99.0)
    assert not bans.bar(ROOM, "link", "", (), 100.0)
    assert BAN_S == 86_400


def test_too_many_bans_push_out_the_oldest() -> None:
    bans = Bans()
    bans.add(ROOM, ban(whole=True))
    for _ in range(MAX_BANS_PER_MEETING):
        bans.add(ROOM, Ban(jti="x", personal=True, device_id="", source_hash=b"", whole=False, until_s=100.0))
    assert not bans.bar(ROOM, "link", "device", (b"net",), 1.0)


def test_too_many_meetings_push_out_the_one_to_which_nobody_has_come_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bans_module, "MAX_MEETINGS", 2)
    bans = Bans()
    for meeting_id in (ROOM, OTHER_ROOM):
        bans.add(meeting_id, ban(whole=True))
    assert bans.bar(ROOM, "link", "", (), 1.0)
    bans.add(MeetingId("p" * 16), ban(whole=True))
    assert [bans.bar(meeting_id, "link", "", (), 1.0) for meeting_id in (ROOM, OTHER_ROOM)] == [True, False]


def test_a_network_is_known_by_its_name_under_any_key_and_for_a_day_at_most() -> None:
    banned = ban(whole=True)
    assert meant(banned, "other", "", b"today's", b"net", wall_s=49.0)
    assert not meant(banned, "other", "", b"today's", b"net", wall_s=50.0)
    assert meant(banned, "link", "", wall_s=99.0)


def test_what_was_kept_comes_into_force_once_and_takes_nothing_away() -> None:
    bans = Bans()
    bans.add(ROOM, ban(whole=True))
    kept = [ban(whole=True, source_hash=b""), ban(personal=True, device_id="other")]
    for _ in range(MAX_BANS_PER_MEETING):
        bans.restore(ROOM, kept)
    assert bans.bar(ROOM, "x", "other", (), 1.0)
    assert bans.bar(ROOM, "x", "", (b"net",), 1.0)
