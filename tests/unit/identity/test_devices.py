from conclave.identity.devices import device_name
from conclave.model.ids import MeetingId

ROOM, OTHER_ROOM = MeetingId("m" * 16), MeetingId("n" * 16)


def test_a_device_has_one_name_in_a_meeting_and_another_elsewhere() -> None:
    name = device_name(ROOM, "d" * 16)
    assert name == device_name(ROOM, "d" * 16)
    assert len(name) == 24
    assert "d" * 16 not in name
    assert len({name, device_name(OTHER_ROOM, "d" * 16), device_name(ROOM, "e" * 16)}) == 3


def test_no_device_has_no_name() -> None:
    assert device_name(ROOM, None) == device_name(ROOM, "") == ""
