import inspect

from conclave.ports.meeting_memory import MeetingMemory
from conclave.store.meeting_memory import SqlMeetingMemory


def test_the_adapter_has_every_call_of_the_door_with_the_same_arguments() -> None:
    calls = {name: call for name, call in vars(MeetingMemory).items() if inspect.isfunction(call) and not name.startswith("_")}
    assert len(calls) == 3
    for name, call in calls.items():
        found = getattr(SqlMeetingMemory, name)
        assert inspect.iscoroutinefunction(found)
        assert list(inspect.signature(found).parameters) == list(inspect.signature(call).parameters)
