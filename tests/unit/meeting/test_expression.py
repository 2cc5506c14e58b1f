import pytest
from tests.support.meetings import MeetingInMemory

from conclave.meeting.expression import REACTIONS
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.signaling import messages


def test_a_raised_hand_is_seen_by_all_and_lowered_again() -> None:
    room = MeetingInMemory()
    host, viewer = room.sit(room.open()), room.join(Role.VIEWER)
    for raised in (True, True, False):
        room.ask(viewer.session_id, messages.HandRaise(id=1, raised=raised), messages.Empty)
    for witness in (host, viewer):
        seen = [event.participant.hand_raised for event in room.received(witness, messages.ParticipantChanged)]
        assert seen == [True, False]


@pytest.mark.parametrize("reaction", REACTIONS)
def test_a_reaction_is_seen_by_all(reaction: str) -> None:
    room = MeetingInMemory()
    host, viewer = room.sit(room.open()), room.join(Role.VIEWER)
    room.ask(viewer.session_id, messages.ReactionSend(id=1, reaction=reaction), messages.Empty)
    assert room.received(host, messages.Reaction) == [messages.Reaction(viewer.participant_id, reaction)]


def test_a_reaction_without_its_variation_selector_is_the_same_reaction() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.ask(host.session_id, messages.ReactionSend(id=1, reaction="❤"), messages.Empty)
    assert room.received(host, messages.Reaction) == [messages.Reaction(host.participant_id, "❤️")]


@pytest.mark.parametrize("reaction", ["<b>", "hello", "👍👍", "🖕", "\u202e", "\ufe0f", " 👍"])
def test_any_other_text_is_no_reaction(reaction: str) -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    with pytest.raises(Refused) as caught:
        room.ask(host.session_id, messages.ReactionSend(id=1, reaction=reaction), messages.Empty)
    assert caught.value.code is ErrorCode.INVALID
    assert not room.received(host, messages.Reaction)
