import os
from random import Random

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.accounts import an_account

from conclave.identity.invitations import LEEWAY_S, MAX_LIFETIME_S, Invitations, own_link_id
from conclave.identity.keys import SigningKey
from conclave.identity.token_revocations import TokenRevocations
from conclave.model.accounts import Revocation, RevocationKind
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId
from conclave.model.roles import Role

KEY = SigningKey.generate()
MEETING = MeetingId("m" * 16)
NOW = 1_800_000_000.0


def invitations(key: SigningKey = KEY) -> Invitations:
    return Invitations(key, os.urandom)


@pytest.mark.parametrize("role", Role)
def test_an_invitation_says_what_was_put_into_it(role: Role) -> None:
    issued = invitations().issue(MEETING, role, NOW, 600, seats=3, name="Ada")
    claims = invitations().verify(issued.token, NOW)
    assert (claims.meeting_id, claims.role, claims.seats, claims.name) == (MEETING, role, 3, "Ada")
    assert (claims.iat, claims.nbf, claims.exp) == (NOW, NOW, NOW + 600)
    assert claims == issued.claims


def test_the_link_carries_the_token_in_its_fragment_alone() -> None:
    issued = invitations().issue(MEETING, Role.HOST, NOW)
    assert issued.path == "/#" + issued.token


def test_the_header_names_algorithm_type_and_key() -> None:
    header = jwt.get_unverified_header(invitations().issue(MEETING, Role.HOST, NOW).token)
    assert header == {"alg": "EdDSA", "typ": "conclave-invitation+jwt", "kid": KEY.kid}


def test_every_invitation_has_an_identifier_of_its_own() -> None:
    identifiers = {invitations().issue(MEETING, Role.VIEWER, NOW).claims.jti for _ in range(50)}
    assert len(identifiers) == 50


def test_identifiers_come_from_the_given_entropy() -> None:
    first, second = (Invitations(KEY, Random(1).randbytes).issue(MEETING, Role.HOST, NOW) for _ in range(2))
    assert first.token == second.token


@given(st.integers(1, MAX_LIFETIME_S), st.floats(-100, 100))
def test_an_invitation_is_good_exactly_for_its_lifetime_give_or_take_the_leeway(lifetime: int, past_end: float) -> None:
    issued = invitations().issue(MEETING, Role.HOST, NOW, lifetime)
    now = NOW + lifetime + past_end
    if now < NOW - LEEWAY_S:
        return
    if past_end < LEEWAY_S:
        assert invitations().verify(issued.token, now)
    else:
        with pytest.raises(Refused, match="expired"):
            invitations().verify(issued.token, now)


def test_an_invitation_from_the_future_is_not_valid_yet() -> None:
    issued = invitations().issue(MEETING, Role.HOST, NOW + LEEWAY_S + 1)
    with pytest.raises(Refused, match="not valid yet"):
        invitations().verify(issued.token, NOW)
    assert invitations().verify(issued.token, NOW + 1)


def test_a_revoked_invitation_is_refused_and_others_are_not() -> None:
    issuer = invitations()
    revoked, other = issuer.issue(MEETING, Role.HOST, NOW), issuer.issue(MEETING, Role.HOST, NOW)
    issuer.revoke(revoked.claims, NOW)
    with pytest.raises(Refused, match="revoked") as caught:
        issuer.verify(revoked.token, NOW)
    assert caught.value.code is ErrorCode.UNAUTHORIZED
    assert issuer.verify(other.token, NOW)


def test_invitations_of_a_former_key_stay_good() -> None:
    issued = invitations().issue(MEETING, Role.HOST, NOW)
    rotated = Invitations(SigningKey.generate(), os.urandom, former_keys=[KEY])
    assert rotated.verify(issued.token, NOW) == issued.claims


@pytest.mark.parametrize("lifetime", [0, -1, MAX_LIFETIME_S + 1])
def test_a_lifetime_out_of_bounds_is_refused(lifetime: int) -> None:
    with pytest.raises(Refused) as caught:
        invitations().issue(MEETING, Role.HOST, NOW, lifetime)
    assert caught.value.code is ErrorCode.INVALID


@pytest.mark.parametrize("meeting_id", ["", "short", "x" * 17, "../../etc/passwd"[:15] + "!", "\n" * 16])
def test_a_meeting_id_that_is_none_is_refused(meeting_id: str) -> None:
    with pytest.raises(Refused):
        invitations().issue(MeetingId(meeting_id), Role.HOST, NOW)


def test_the_token_is_not_shown_by_its_representation() -> None:
    issued = invitations().issue(MEETING, Role.HOST, NOW)
    assert issued.token not in repr(issued)


class DictStore:
    """Keeps revocations beside the invitations that it is given to."""

    def __init__(self) -> None:
        self.entries: dict[str, float] = {}

    def keep(self, jti: str, expires_at_s: float) -> None:
        self.entries[jti] = expires_at_s

    def kept(self) -> list[tuple[str, float]]:
        return list(self.entries.items())


def test_a_revocation_outlasts_a_restart_where_there_is_a_store() -> None:
    key, store = SigningKey.generate(), DictStore()
    before = Invitations(key, os.urandom, store=store)
    issued = before.issue(MeetingId("m" * 16), Role.VIEWER, 1000.0)
    before.revoke(issued.claims, 1000.0)
    after = Invitations(key, os.urandom, store=store)
    with pytest.raises(Refused) as caught:
        after.verify(issued.token, 1000.0)
    assert caught.value.detail == "the invitation was revoked"


def test_all_own_links_of_an_account_to_a_meeting_have_one_identifier() -> None:
    ada, eve = an_account(), an_account("eve")
    issued = [invitations().issue(MEETING, role, NOW, account=ada).claims for role in (Role.HOST, Role.VIEWER)]
    assert {(claims.jti, claims.account, claims.epoch) for claims in issued} == {
        (own_link_id(MEETING, ada.user_id), ada.user_id, 0)
    }
    others = {own_link_id(MEETING, eve.user_id), own_link_id(MeetingId("n" * 16), ada.user_id), issued[0].jti}
    assert len(others) == 3


def test_an_own_link_of_a_revoked_epoch_is_void_and_others_are_not_asked_about() -> None:
    revoked = TokenRevocations()
    there = Invitations(KEY, os.urandom, check_epoch=revoked.check_epoch)
    ada = an_account()
    own, other = there.issue(MEETING, Role.HOST, NOW, account=ada).token, there.issue(MEETING, Role.HOST, NOW).token
    there.verify(own, NOW)
    revoked.add(Revocation(RevocationKind.USER, ada.user_id, NOW + 60, ada.epoch + 1), NOW)
    with pytest.raises(Refused) as caught:
        there.verify(own, NOW)
    assert caught.value.code is ErrorCode.UNAUTHORIZED
    there.verify(other, NOW)


def test_all_invitations_to_a_meeting_are_revoked_by_its_id_and_no_others() -> None:
    store = DictStore()
    kept = Invitations(KEY, os.urandom, store=store)
    before = [kept.issue(meeting, Role.HOST, NOW).token for meeting in (MEETING, MeetingId("n" * 16))]
    kept.revoke_meeting(MEETING, NOW)
    with pytest.raises(Refused, match="revoked"):
        kept.verify(before[0], NOW)
    with pytest.raises(Refused, match="revoked"):
        kept.verify(kept.issue(MEETING, Role.HOST, NOW).token, NOW)
    assert kept.verify(before[1], NOW)
    assert [jti for jti, _ in store.kept()] == [MEETING]
    assert min(until_s for _, until_s in store.kept()) > NOW + MAX_LIFETIME_S
