from conclave.signaling import server_messages
from conclave.signaling.server_messages import EVENTS, Event


def test_every_event_of_the_module_is_one_of_the_protocol() -> None:
    declared = {value for value in vars(server_messages).values() if isinstance(value, type) and issubclass(value, Event)}
    assert declared - {Event} == set(EVENTS)


def test_no_event_carries_an_id() -> None:
    assert not [event for event in EVENTS if "id" in event.__struct_fields__]
