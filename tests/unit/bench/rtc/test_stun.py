import secrets

import pytest
from aioice import stun as reference
from bench.rtc.stun import StunError, binding_request, is_stun, read_reply

ID = bytes(range(12))
PWD = "p" * 24


def parsed(request: bytes) -> reference.Message:
    message = reference.parse_message(request)
    assert message.check_message_integrity(PWD.encode())
    return message


def reply(kind: reference.Class, password: str = PWD) -> bytes:
    message = reference.Message(reference.Method.BINDING, kind, transaction_id=ID)
    if kind is reference.Class.ERROR:
        message.attributes["ERROR-CODE"] = (487, "Role Conflict")
    else:
        message.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", 4444)
    message.add_message_integrity(password.encode())
    message.add_fingerprint()
    return bytes(message)


def test_another_implementation_reads_and_verifies_our_check() -> None:
    request = binding_request(ID, local_ufrag="ours", remote_ufrag="theirs", remote_pwd=PWD, tie_breaker=7)
    message = parsed(request)
    assert message.message_method is reference.Method.BINDING
    assert message.message_class is reference.Class.REQUEST
    assert message.transaction_id == ID
    assert message.attributes["USERNAME"] == "theirs:ours"
    assert message.attributes["ICE-CONTROLLING"] == 7
    assert "USE-CANDIDATE" in message.attributes


def test_a_check_that_does_not_nominate_says_so() -> None:
    request = binding_request(ID, local_ufrag="a", remote_ufrag="b", remote_pwd=PWD, tie_breaker=7, nominate=False)
    assert "USE-CANDIDATE" not in parsed(request).attributes


def test_a_success_response_is_verified() -> None:
    assert read_reply(reply(reference.Class.RESPONSE), PWD) == (ID, 0)


def test_an_error_response_gives_its_code() -> None:
    assert read_reply(reply(reference.Class.ERROR), PWD).error_code == 487


def test_a_response_under_another_password_is_refused() -> None:
    with pytest.raises(StunError, match="MESSAGE-INTEGRITY"):
        read_reply(reply(reference.Class.RESPONSE, "q" * 24), PWD)


def test_a_response_without_integrity_is_refused() -> None:
    message = reference.Message(reference.Method.BINDING, reference.Class.RESPONSE, transaction_id=ID)
    with pytest.raises(StunError, match="without MESSAGE-INTEGRITY"):
        read_reply(bytes(message), PWD)


def test_every_flipped_byte_of_a_response_is_noticed() -> None:
    good = reply(reference.Class.RESPONSE)
    for place in range(len(good)):
        broken = good[:place] + bytes([good[place] ^ 0x41]) + good[place + 1 :]
        with pytest.raises(StunError):
            read_reply(broken, PWD)


def test_random_bytes_are_no_response() -> None:
    for size in range(20, 120):
        with pytest.raises(StunError):
            read_reply(secrets.token_bytes(size), PWD)


def test_stun_is_told_by_its_first_byte() -> None:
    assert is_stun(reply(reference.Class.RESPONSE))
    assert not is_stun(b"\x16" + bytes(30))
    assert not is_stun(b"\x80" + bytes(30))
    assert not is_stun(b"\x00")
