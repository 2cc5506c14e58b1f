import typing

import pytest
from msgspec import Struct

from conclave.media import commands, notices


@pytest.mark.parametrize("effect", [*typing.get_args(notices.Notice), *typing.get_args(commands.PlaneCommand)])
def test_every_effect_of_the_room_is_frozen(effect: type[Struct]) -> None:
    assert effect.__struct_config__.frozen


def test_notices_and_commands_cannot_be_taken_for_each_other() -> None:
    assert not set(typing.get_args(notices.Notice)) & set(typing.get_args(commands.PlaneCommand))
