import msgspec
import pytest

from conclave.signaling.messages import Ping
from conclave.signaling.request import Identifier


@pytest.mark.parametrize("body", [b'{"type": "ping"}', b'{"type": "ping", "id": -1}', b'{"type": "ping", "id": 2147483648}'])
def test_a_request_needs_an_id_in_its_range(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=Ping)


@pytest.mark.parametrize("text", ["", "x" * 15, "x" * 17])
def test_an_identifier_has_sixteen_characters(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Identifier)
