from random import Random

import pytest

from conclave.media import stun
from conclave.media.return_path import GIVE_UP_AFTER_S, REPEAT_AFTER_S, ReturnPaths
from conclave.media.stun import AttributeType, StunClass, StunError, StunMessage

HERE, THERE = b"here", b"there"
PASSWORD = "p" * 24


@pytest.fixture
def paths() -> ReturnPaths:
    return ReturnPaths(Random(5).randbytes)


def ask(paths: ReturnPaths, path: bytes = HERE, now: float = 0.0, username: str = "peer:ours") -> bytes:
    request = paths.ask(path, username, PASSWORD, now)
    assert request is not None
    return request


def answer(request: bytes, password: str = PASSWORD) -> StunMessage:
    transaction_id = stun.parse(request).transaction_id
    return stun.parse(stun.serialise(StunClass.SUCCESS, transaction_id, password=password.encode()))


def test_a_request_is_what_a_full_agent_answers(paths: ReturnPaths) -> None:
    request = stun.parse(ask(paths))
    stun.verify_integrity(request, PASSWORD.encode())
    assert request.stun_class is StunClass.REQUEST
    assert request.has_fingerprint
    assert request.get(AttributeType.USERNAME) == b"peer:ours"
    assert request.has(AttributeType.PRIORITY)
    assert request.has(AttributeType.ICE_CONTROLLED)
    assert not request.has(AttributeType.USE_CANDIDATE)


def test_an_answer_proves_its_path_once(paths: ReturnPaths) -> None:
    reply = answer(ask(paths))
    paths.settle(reply, HERE)
    assert paths.is_proven(HERE)
    assert not paths.is_proven(THERE)
    assert paths.due is None
    with pytest.raises(StunError, match="unasked"):
        paths.settle(reply, HERE)


def test_an_answer_from_elsewhere_to_another_or_under_another_password_proves_nothing(paths: ReturnPaths) -> None:
    request = ask(paths)
    with pytest.raises(StunError, match="unasked"):
        paths.settle(answer(request), THERE)
    with pytest.raises(StunError, match="unasked"):
        paths.settle(answer(stun.serialise(StunClass.REQUEST, bytes(12))), HERE)
    with pytest.raises(StunError, match="integrity"):
        paths.settle(answer(request, "x" * 24), HERE)
    with pytest.raises(StunError, match="no_integrity"):
        paths.settle(stun.parse(stun.serialise(StunClass.SUCCESS, stun.parse(request).transaction_id)), HERE)
    assert not paths.is_proven(HERE)
    paths.settle(answer(request), HERE)


def test_one_path_is_asked_at_a_time_and_once(paths: ReturnPaths) -> None:
    first = ask(paths)
    assert paths.ask(HERE, "peer:ours", PASSWORD, 0.1) is None
    ask(paths, THERE)
    with pytest.raises(StunError, match="unasked"):
        paths.settle(answer(first), HERE)


def test_a_peer_that_has_a_new_name_is_asked_anew(paths: ReturnPaths) -> None:
    ask(paths)
    assert b"renamed:ours" in ask(paths, username="renamed:ours")


def test_a_request_is_sent_four_times_and_then_given_up(paths: ReturnPaths) -> None:
    request = ask(paths)
    now, sent = 0.0, 0
    while (due := paths.due) is not None:
        assert paths.repeat(due - 0.01) is None
        now = due
        if paths.repeat(now) is not None:
            sent += 1
    assert sent == len(REPEAT_AFTER_S) == 3
    assert now == pytest.approx(sum(REPEAT_AFTER_S) + GIVE_UP_AFTER_S)
    with pytest.raises(StunError, match="unasked"):
        paths.settle(answer(request), HERE)
    ask(paths, now=now)


def test_what_is_proven_otherwise_is_proven_until_it_is_forgotten(paths: ReturnPaths) -> None:
    paths.trust(HERE)
    request = ask(paths, THERE)
    paths.keep((HERE, THERE))
    assert paths.is_proven(HERE)
    paths.keep((THERE,))
    assert not paths.is_proven(HERE)
    paths.settle(answer(request), THERE)
    ask(paths, HERE)
    paths.keep(())
    assert paths.due is None
