import pytest

from conclave.meeting.effects import Broadcast, Disconnect, Send
from conclave.model.ids import SessionId
from conclave.signaling.messages import MeetingOpened

EVENT = MeetingOpened("Weekly")


def test_equal_effects_are_equal_so_that_tests_can_compare_them() -> None:
    assert Send(SessionId("s"), EVENT) == Send(SessionId("s"), EVENT)
    assert Broadcast(EVENT, ()) != Broadcast(EVENT, (SessionId("s"),))


def test_an_effect_cannot_be_changed_on_its_way() -> None:
    effect = Disconnect(SessionId("s"), "ended", "the meeting ended")
    with pytest.raises(AttributeError):
        effect.code = "other"  # type: ignore[misc]
