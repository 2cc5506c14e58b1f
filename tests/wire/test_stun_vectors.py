"""The test vectors of RFC 5769."""

import hashlib
from ipaddress import ip_address

import pytest

from conclave.media import stun
from conclave.media.stun import AttributeType, StunClass, StunError

PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
TRANSACTION_ID = bytes.fromhex("b7e7a701bc34d686fa87dfae")

REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
IPV4_RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
IPV6_RESPONSE = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)
LONG_TERM_REQUEST = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e"
    "00060012e3839ee38388e383aae38383e382afe382b90000"
    "0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341"
    "0014000b6578616d706c652e6f726700"
    "00080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
)


def test_the_sample_request_is_read_and_its_integrity_holds() -> None:
    message = stun.parse(REQUEST)
    stun.verify_integrity(message, PASSWORD)
    assert message.stun_class is StunClass.REQUEST
    assert message.transaction_id == TRANSACTION_ID
    assert message.has_fingerprint
    assert message.get(AttributeType.USERNAME) == b"evtj:h6vY"
    assert message.get(AttributeType.PRIORITY) == bytes.fromhex("6e0001ff")
    assert message.get(AttributeType.ICE_CONTROLLED) == bytes.fromhex("932ff9b151263b36")
    assert message.get(AttributeType.SOFTWARE) == b"STUN test client"
    assert stun.peek_username(REQUEST) == b"evtj:h6vY"


@pytest.mark.parametrize(
    ("data", "host"),
    [(IPV4_RESPONSE, "192.0.2.1"), (IPV6_RESPONSE, "2001:db8:1234:5678:11:2233:4455:6677")],
    ids=["ipv4", "ipv6"],
)
def test_the_sample_responses_are_read_and_their_integrity_holds(data: bytes, host: str) -> None:
    message = stun.parse(data)
    stun.verify_integrity(message, PASSWORD)
    address = message.xor_mapped_address
    assert message.stun_class is StunClass.SUCCESS
    assert address is not None
    assert ip_address(address.address) == ip_address(host)
    assert address.port == 32853
    assert stun.xor_mapped_address(address, TRANSACTION_ID) == (0x0020, message.get(AttributeType.XOR_MAPPED_ADDRESS))


def test_the_long_term_request_is_read_and_its_integrity_holds() -> None:
    message = stun.parse(LONG_TERM_REQUEST)
    username = "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"
    key = hashlib.md5(f"{username}:example.org:TheMatrIX".encode(), usedforsecurity=False).digest()
    stun.verify_integrity(message, key)
    assert not message.has_fingerprint
    assert message.get(AttributeType.USERNAME) == username.encode()
    assert message.unknown_required == ()


@pytest.mark.parametrize("data", [REQUEST, IPV4_RESPONSE, IPV6_RESPONSE], ids=["request", "ipv4", "ipv6"])
def test_no_flipped_bit_of_a_sample_goes_unnoticed(data: bytes) -> None:
    for position in range(len(data) * 8):
        changed = bytearray(data)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(StunError):
            _accept_with_fingerprint(bytes(changed))


def _accept_with_fingerprint(data: bytes) -> None:
    message = stun.parse(data)
    stun.verify_integrity(message, PASSWORD)
    if not message.has_fingerprint:
        raise StunError("no_fingerprint")
