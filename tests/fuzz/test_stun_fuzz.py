"""Structured junk against everything that reads a STUN datagram; `make fuzz` runs it for longer."""

from contextlib import suppress
from random import Random
from struct import pack
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from conclave.media import stun
from conclave.media.ice import IceLite, local_ufrag_of
from conclave.media.stun import AttributeType, StunClass, StunError

PATH = bytes([0, 4, 0x13, 0x88, 192, 0, 2, 1]) + bytes(24)

kinds = st.one_of(st.sampled_from(AttributeType).map(int), st.integers(0, 0xFFFF))
attributes = st.lists(st.tuples(kinds, st.binary(max_size=40), st.integers(-3, 3)), max_size=8)


def assemble(message_type: int, length_error: int, parts: list[tuple[int, bytes, int]], fingerprint: bool) -> bytes:
    body = b"".join(
        pack("!HH", kind, max(0, len(value) + error)) + value + bytes(-len(value) % 4) for kind, value, error in parts
    )
    length = max(0, len(body) + (8 if fingerprint else 0) + length_error)
    message = pack("!HHI", message_type, length, stun.MAGIC_COOKIE) + bytes(12) + body
    if fingerprint:
        message += pack("!HHI", AttributeType.FINGERPRINT, 4, crc32(message) ^ stun.FINGERPRINT_XOR)
    return message


@given(
    st.one_of(st.sampled_from([0x0001, 0x0011, 0x0101, 0x0111]), st.integers(0, 0xFFFF)),
    st.sampled_from([0, 0, 0, 4, -4, 1]),
    attributes,
    st.booleans(),
)
def test_no_message_brings_an_agent_down_or_gets_an_answer_without_the_password(
    message_type: int, length_error: int, parts: list[tuple[int, bytes, int]], fingerprint: bool
) -> None:
    agent = IceLite(Random(5).randbytes)
    data = assemble(message_type, length_error, parts, fingerprint)
    local_ufrag_of(data)
    answer = None
    with suppress(StunError):
        answer = agent.receive(data, PATH, 0.0)
    assert answer is None
    assert agent.paths == ()


@given(attributes.filter(lambda parts: all(error == 0 for _, _, error in parts)))
def test_an_authenticated_peer_can_send_any_attributes(parts: list[tuple[int, bytes, int]]) -> None:
    agent = IceLite(Random(5).randbytes)
    name = (int(AttributeType.USERNAME), f"{agent.local_ufrag}:peer".encode())
    rest = tuple((kind, value) for kind, value, _ in parts)
    data = stun.serialise(StunClass.REQUEST, bytes(12), (name, *rest), password=agent.local_pwd.encode())
    with suppress(StunError):
        response = stun.parse(agent.receive(data, PATH, 0.0).response)
        stun.verify_integrity(response, agent.local_pwd.encode())
        assert response.stun_class in (StunClass.SUCCESS, StunClass.ERROR)
