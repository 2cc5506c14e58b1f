from conclave.meeting.bans import BAN_S, MAX_BANS_PER_MEETING, Ban, Bans
from conclave.model.ids import MeetingId

ROOM, OTHER_ROOM = MeetingId("m" * 16), MeetingId("n" * 16)


def ban(*, personal: bool = False, whole: bool = False, device_id: str = "device", source_hash: bytes = b"net") -> Ban:
    return Ban(jti="link", personal=personal, device_id=device_id, source_hash=source_hash, whole=whole, until_s=100.0)


def test_a_removal_by_a_shared_link_bars_device_and_the_link_from_there() -> None:
    removed = ban()
    assert removed.bars("other", "device", b"elsewhere")
    assert removed.bars("link", "new", b"net")
    assert not removed.bars("link", "new", b"elsewhere")
    assert not removed.bars("other", "new", b"net")


def test_a_removal_bars_a_personal_link_everywhere() -> None:
    assert ban(personal=True).bars("link", "new", b"elsewhere")


def test_a_ban_bars_link_device_and_network_each_by_itself() -> None:
    banned = ban(whole=True)
    assert banned.bars("link", "", b"")
    assert banned.bars("other", "device", b"")
    assert banned.bars("other", "", b"net")
    assert not banned.bars("other", "new", b"elsewhere")


def test_what_is_unknown_bars_nobody() -> None:
    assert not ban(whole=True, device_id="", source_hash=b"").bars("other", "", b"")


def test_a_ban_holds_for_its_meeting_and_its_time() -> None:
    bans = Bans()
    bans.add(ROOM, ban(whole=True))
    assert bans.bar(ROOM, "link", "", b"", 99.0)
    assert not bans.bar(OTHER_ROOM, "link", "", b"", 99.0)
    assert not bans.bar(ROOM, "link", "", b"", 100.0)
    assert BAN_S == 86_400


def test_too_many_bans_push_out_the_oldest() -> None:
    bans = Bans()
    bans.add(ROOM, ban(whole=True))
    for _ in range(MAX_BANS_PER_MEETING):
        bans.add(ROOM, Ban(jti="x", personal=True, device_id="", source_hash=b"", whole=False, until_s=100.0))
    assert not bans.bar(ROOM, "link", "device", b"net", 1.0)
