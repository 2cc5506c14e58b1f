from random import Random
from typing import Any

from conclave.hub.visitors import Visitor
from conclave.identity.invitations import Claims
from conclave.meeting.context import Caller
from conclave.model.ids import SessionId
from conclave.model.roles import Role
from conclave.policy.buckets import Buckets
from conclave.policy.limits import RATES


def visitor() -> Visitor:
    claims = Claims(sub="m" * 16, role=Role.HOST, jti="j" * 16, iat=0, nbf=0, exp=1)
    queue: Any = None
    return Visitor(Caller(SessionId("s" * 16), claims), queue, Buckets(RATES))


def test_a_resume_token_is_good_once() -> None:
    someone = visitor()
    token = someone.new_resume_token(Random(1).randbytes)
    assert 32 <= len(token) <= 64
    assert someone.spend_resume_token(token)
    assert not someone.spend_resume_token(token)


def test_a_new_token_voids_the_one_before() -> None:
    someone, entropy = visitor(), Random(1).randbytes
    old, new = someone.new_resume_token(entropy), someone.new_resume_token(entropy)
    assert not someone.spend_resume_token(old)
    assert someone.spend_resume_token(new)


def test_a_wrong_token_spends_nothing() -> None:
    someone = visitor()
    token = someone.new_resume_token(Random(1).randbytes)
    for wrong in ("", "x", token[:-1], token + "x", token.swapcase(), "é" * 43):
        assert not someone.spend_resume_token(wrong)
    assert someone.spend_resume_token(token)


def test_before_the_first_token_none_is_good() -> None:
    assert not visitor().spend_resume_token("")


def test_the_token_itself_is_not_kept() -> None:
    someone = visitor()
    token = someone.new_resume_token(Random(1).randbytes)
    assert token not in str(vars(someone))
    assert repr(someone) == f"Visitor({'s' * 16})"
