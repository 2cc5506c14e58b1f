from contextlib import suppress
from struct import pack
from zlib import crc32

import aioice.stun
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.media import stun
from conclave.media.stun import AttributeType, StunClass, StunError, TransportAddress

PASSWORD = b"a password of at least 22 bytes"
TRANSACTION_ID = bytes(range(12))

optional_attributes = st.tuples(st.integers(0xC000, 0xFFFF), st.binary(max_size=64))
known_attributes = st.one_of(
    st.binary(min_size=1, max_size=stun.MAX_USERNAME_BYTES).map(lambda value: (int(AttributeType.USERNAME), value)),
    st.binary(min_size=4, max_size=4).map(lambda value: (int(AttributeType.PRIORITY), value)),
    st.just((int(AttributeType.USE_CANDIDATE), b"")),
    st.binary(min_size=8, max_size=8).map(lambda value: (int(AttributeType.ICE_CONTROLLING), value)),
    st.lists(st.integers(0, 0xFFFF), max_size=4).map(lambda kinds: stun.unknown_attributes(tuple(kinds))),
    st.integers(300, 699).map(lambda code: stun.error_code(code, "words")),
)
attribute_lists = st.lists(st.one_of(optional_attributes, known_attributes), max_size=3).map(tuple)


def raw(*attributes: tuple[int, bytes], message_type: int = 1) -> bytes:
    """A message with any attributes at all, well-formed or not."""
    body = b"".join(pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4) for kind, value in attributes)
    return pack("!HHI", message_type, len(body), stun.MAGIC_COOKIE) + TRANSACTION_ID + body


@given(st.sampled_from(StunClass), st.binary(min_size=12, max_size=12), attribute_lists, st.booleans(), st.booleans())
def test_what_is_written_is_read_back(
    stun_class: StunClass, transaction_id: bytes, attributes: tuple[stun.Attribute, ...], keyed: bool, fingerprint: bool
) -> None:
    data = stun.serialise(stun_class, transaction_id, attributes, password=PASSWORD if keyed else None, fingerprint=fingerprint)
    message = stun.parse(data)
    assert (message.stun_class, message.transaction_id, message.attributes) == (stun_class, transaction_id, attributes)
    assert message.has_fingerprint is fingerprint
    if keyed:
        stun.verify_integrity(message, PASSWORD)
    else:
        with pytest.raises(StunError, match="no_integrity"):
            stun.verify_integrity(message, PASSWORD)


@given(st.binary(max_size=200))
def test_junk_raises_nothing_but_its_own_error(data: bytes) -> None:
    stun.peek_username(data)
    with pytest.raises(StunError):
        stun.parse(data)


@given(st.data())
def test_a_damaged_message_raises_nothing_but_its_own_error(data: st.DataObject) -> None:
    message = bytearray(stun.serialise(StunClass.REQUEST, TRANSACTION_ID, ((6, b"one:two"), (0x24, bytes(4)))))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(message[: data.draw(st.integers(0, len(message)))])
    stun.peek_username(cut)
    with suppress(StunError):
        stun.parse(cut)


@given(st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)), st.integers(0, 65535))
def test_an_address_survives_the_xor(address: bytes, port: int) -> None:
    attribute = stun.xor_mapped_address(TransportAddress(address, port), TRANSACTION_ID)
    message = stun.parse(stun.serialise(StunClass.SUCCESS, TRANSACTION_ID, (attribute,)))
    assert message.xor_mapped_address == TransportAddress(address, port)


def test_another_implementation_reads_what_we_write() -> None:
    attributes = (
        stun.xor_mapped_address(TransportAddress(bytes([192, 0, 2, 1]), 4567), TRANSACTION_ID),
        stun.error_code(487, "Role Conflict"),
    )
    data = stun.serialise(StunClass.ERROR, TRANSACTION_ID, attributes, password=PASSWORD)
    message = aioice.stun.parse_message(data)
    message.check_message_integrity(PASSWORD)
    assert message.message_class is aioice.stun.Class.ERROR
    assert message.transaction_id == TRANSACTION_ID
    assert message.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.1", 4567)
    assert message.attributes["ERROR-CODE"] == (487, "Role Conflict")


def test_we_read_what_another_implementation_writes() -> None:
    written = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST, TRANSACTION_ID)
    written.attributes.update(USERNAME="one:two", PRIORITY=1853817087)
    written.attributes["ICE-CONTROLLING"] = 7
    written.attributes["USE-CANDIDATE"] = None
    written.add_message_integrity(PASSWORD)
    message = stun.parse(bytes(written))
    stun.verify_integrity(message, PASSWORD)
    assert message.get(AttributeType.USERNAME) == b"one:two"
    assert message.get(AttributeType.PRIORITY) == pack("!I", 1853817087)
    assert message.get(AttributeType.ICE_CONTROLLING) == pack("!Q", 7)
    assert message.has(AttributeType.USE_CANDIDATE)
    assert message.has_fingerprint


def test_a_wrong_password_is_refused() -> None:
    message = stun.parse(stun.serialise(StunClass.REQUEST, TRANSACTION_ID, password=PASSWORD))
    with pytest.raises(StunError, match="integrity"):
        stun.verify_integrity(message, PASSWORD + b"!")


@pytest.mark.parametrize(
    "attribute",
    [
        (AttributeType.PRIORITY, bytes(3)),
        (AttributeType.PRIORITY, bytes(5)),
        (AttributeType.USE_CANDIDATE, b"x"),
        (AttributeType.ICE_CONTROLLING, bytes(7)),
        (AttributeType.ICE_CONTROLLED, bytes(9)),
        (AttributeType.USERNAME, b""),
        (AttributeType.USERNAME, bytes(stun.MAX_USERNAME_BYTES + 1)),
        (AttributeType.MESSAGE_INTEGRITY, bytes(16)),
        (AttributeType.FINGERPRINT, bytes(3)),
        (AttributeType.XOR_MAPPED_ADDRESS, b""),
        (AttributeType.XOR_MAPPED_ADDRESS, bytes([0, 1]) + bytes(18)),
        (AttributeType.XOR_MAPPED_ADDRESS, bytes([0, 2]) + bytes(6)),
        (AttributeType.XOR_MAPPED_ADDRESS, bytes([0, 3]) + bytes(6)),
        (AttributeType.ERROR_CODE, bytes([0, 0, 4])),
        (AttributeType.ERROR_CODE, bytes([0, 0, 2, 99])),
        (AttributeType.ERROR_CODE, bytes([0, 0, 4, 100])),
        (AttributeType.UNKNOWN_ATTRIBUTES, bytes(3)),
    ],
)
def test_a_known_attribute_of_the_wrong_form_is_refused(attribute: tuple[int, bytes]) -> None:
    with pytest.raises(StunError, match="attribute_value"):
        stun.parse(raw(attribute))


@pytest.mark.parametrize("value", [bytes([0, 2]) + bytes(18), bytes([0, 1]) + bytes(6)])
def test_addresses_of_both_families_are_accepted(value: bytes) -> None:
    assert stun.parse(raw((AttributeType.XOR_MAPPED_ADDRESS, value))).xor_mapped_address is not None


def test_only_binding_messages_are_read() -> None:
    with pytest.raises(StunError, match="method"):
        stun.parse(raw(message_type=0x0003))


@pytest.mark.parametrize("length_error", [-4, 4, 1, 2])
def test_the_length_field_must_tell_the_truth(length_error: int) -> None:
    data = bytearray(raw((0xC001, bytes(8))))
    data[2:4] = pack("!H", len(data) - 20 + length_error)
    with pytest.raises(StunError, match="length"):
        stun.parse(bytes(data))


def test_an_attribute_that_reaches_past_the_end_is_refused() -> None:
    data = bytearray(raw((0xC001, bytes(8))))
    data[22:24] = pack("!H", 9)
    with pytest.raises(StunError, match="attribute_length"):
        stun.parse(bytes(data))


def test_a_message_above_2048_bytes_is_refused() -> None:
    with pytest.raises(StunError, match="length"):
        stun.parse(raw((0xC001, bytes(2048))))


def test_a_fingerprint_must_be_right_and_last() -> None:
    good = stun.serialise(StunClass.REQUEST, TRANSACTION_ID)
    with pytest.raises(StunError, match="fingerprint"):
        stun.parse(good[:-1] + bytes([good[-1] ^ 1]))
    early = raw((AttributeType.FINGERPRINT, bytes(4)), (0xC001, b""))
    value = pack("!I", crc32(early[:20]) ^ stun.FINGERPRINT_XOR)
    with pytest.raises(StunError, match="fingerprint"):
        stun.parse(raw((AttributeType.FINGERPRINT, value), (0xC001, b"")))


def test_what_follows_message_integrity_is_not_believed() -> None:
    covered = stun.serialise(StunClass.REQUEST, TRANSACTION_ID, password=PASSWORD, fingerprint=False)
    appended = covered + pack("!HH", AttributeType.USE_CANDIDATE, 0)
    message = stun.parse(appended[:2] + pack("!H", len(appended) - 20) + appended[4:])
    stun.verify_integrity(message, PASSWORD)
    assert not message.has(AttributeType.USE_CANDIDATE)


def test_the_first_of_equal_attributes_counts() -> None:
    message = stun.parse(raw((AttributeType.USERNAME, b"first"), (AttributeType.USERNAME, b"second")))
    assert message.get(AttributeType.USERNAME) == b"first"


def test_unknown_required_attributes_are_named_and_optional_ones_are_not() -> None:
    message = stun.parse(raw((0x7FFF, b""), (0x0003, bytes(4)), (0x7FFF, b""), (0xC057, bytes(4))))
    assert message.unknown_required == (0x7FFF, 0x0003)


def test_error_codes_are_read() -> None:
    assert stun.parse(raw(stun.error_code(420, "Unknown Attribute"))).error_code == 420
    assert stun.parse(raw()).error_code is None


def test_a_username_is_peeked_only_from_a_binding_request() -> None:
    request = stun.serialise(StunClass.REQUEST, TRANSACTION_ID, ((0x24, bytes(4)), (6, b"one:two")))
    assert stun.peek_username(request) == b"one:two"
    assert stun.peek_username(stun.serialise(StunClass.SUCCESS, TRANSACTION_ID, ((6, b"one:two"),))) is None
    assert stun.peek_username(stun.serialise(StunClass.REQUEST, TRANSACTION_ID)) is None
    assert stun.peek_username(bytes(2049)) is None


def test_an_address_is_readable() -> None:
    assert str(TransportAddress(bytes([192, 0, 2, 1]), 5)) == "192.0.2.1:5"
