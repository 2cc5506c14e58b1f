import msgspec
import pytest

from conclave.signaling import moderation_messages
from conclave.signaling.messages import MESSAGES
from conclave.signaling.moderation_messages import InvitationCreate, MeetingModify
from conclave.signaling.request import Request


def test_every_request_of_the_module_is_one_of_the_protocol() -> None:
    declared = {value for value in vars(moderation_messages).values() if isinstance(value, type) and issubclass(value, Request)}
    assert declared - {Request} <= MESSAGES.keys()


def test_an_invitation_is_personal_by_default() -> None:
    decoded = msgspec.json.decode(b'{"type": "invitation.create", "id": 1, "role": "viewer"}', type=InvitationCreate)
    assert not decoded.shared


def test_a_switch_that_does_not_exist_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type": "meeting.modify", "id": 1, "everything": true}', type=MeetingModify)
