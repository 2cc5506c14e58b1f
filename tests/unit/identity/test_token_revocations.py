import pytest

from conclave.identity.token_revocations import TokenRevocations
from conclave.model.accounts import Revocation, RevocationKind
from conclave.model.errors import Refused, Unavailable


def is_revoked(revocations: TokenRevocations, *, jti: str = "j", sid: str = "s", user: str = "u", epoch: int = 3) -> bool:
    try:
        revocations.check(jti, sid, user, epoch)
    except Refused:
        return True
    return False


def test_each_kind_revokes_what_it_names_and_nothing_else() -> None:
    for kind, subject in ((RevocationKind.TOKEN, "j"), (RevocationKind.SIGN_IN, "s")):
        revocations = TokenRevocations()
        revocations.add(Revocation(kind, subject, 100), 0)
        assert is_revoked(revocations)
        assert not is_revoked(revocations, jti="other", sid="other")


def test_tokens_of_an_older_epoch_are_revoked_and_new_ones_are_not() -> None:
    revocations = TokenRevocations()
    revocations.add(Revocation(RevocationKind.USER, "u", 100, 4), 0)
    assert is_revoked(revocations, epoch=3)
    assert not is_revoked(revocations, epoch=4)
    assert not is_revoked(revocations, user="other", epoch=0)
    revocations.add(Revocation(RevocationKind.USER, "u", 50, 2), 0)
    assert is_revoked(revocations, epoch=3)


@pytest.mark.parametrize("kind", RevocationKind)
def test_a_full_list_refuses_and_forgets_only_what_is_over(kind: RevocationKind) -> None:
    revocations = TokenRevocations(capacity=2)
    for subject in ("a", "b"):
        revocations.add(Revocation(kind, subject, 100, 1), 0)
    with pytest.raises(Unavailable):
        revocations.add(Revocation(kind, "c", 100, 1), 50)
    assert len(revocations) == 2
    revocations.add(Revocation(kind, "a", 200, 2), 50)
    revocations.add(Revocation(kind, "c", 300, 1), 150)
    assert len(revocations) == 2
