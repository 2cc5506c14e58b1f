from collections.abc import Callable
from random import Random

import pytest

from conclave.media import stun
from conclave.media.ice import (
    CONSENT_EXPIRY_S,
    DOUBTED_EXPIRY_S,
    MAX_PATHS,
    REMEMBERED_TRANSACTIONS,
    SILENT_AFTER_S,
    UDP_FRESH_S,
    IceLite,
    address_of,
    is_answer,
    local_ufrag_of,
)
from conclave.media.stun import Attribute, AttributeType, StunClass, StunError

PRIORITY = (int(AttributeType.PRIORITY), bytes.fromhex("6e0001ff"))
CONTROLLING = (int(AttributeType.ICE_CONTROLLING), bytes(8))
CONTROLLED = (int(AttributeType.ICE_CONTROLLED), bytes(8))
USE_CANDIDATE = (int(AttributeType.USE_CANDIDATE), b"")


def path(number: int) -> bytes:
    return bytes([0, 4]) + (5000 + number).to_bytes(2, "big") + bytes([192, 0, 2, 1]) + bytes(24)


class Peer:
    """A full agent's checks, with the credentials that it was told."""

    def __init__(self, agent: IceLite, ufrag: str = "peer") -> None:
        self.local, self.pwd, self.ufrag = agent.local_ufrag, agent.local_pwd, ufrag
        self.random = Random(ufrag)

    def check(
        self,
        *extra: Attribute,
        attributes: tuple[Attribute, ...] = (PRIORITY, CONTROLLING),
        username: str | None = None,
        pwd: str | None = None,
        fingerprint: bool = True,
    ) -> bytes:
        name = f"{self.local}:{self.ufrag}" if username is None else username
        return stun.serialise(
            StunClass.REQUEST,
            self.random.randbytes(12),
            ((int(AttributeType.USERNAME), name.encode()), *attributes, *extra),
            password=(self.pwd if pwd is None else pwd).encode(),
            fingerprint=fingerprint,
        )


@pytest.fixture
def entropy() -> Callable[[int], bytes]:
    return Random(7).randbytes


@pytest.fixture
def agent(entropy: Callable[[int], bytes]) -> IceLite:
    return IceLite(entropy)


@pytest.fixture
def peer(agent: IceLite) -> Peer:
    return Peer(agent)


def error_of(agent: IceLite, peer: Peer, request: bytes) -> int | None:
    response = stun.parse(agent.receive(request, path(1), 0.0).response)
    stun.verify_integrity(response, peer.pwd.encode())
    assert response.has_fingerprint
    return response.error_code


def test_credentials_are_long_enough_unique_and_of_ice_chars(entropy: Callable[[int], bytes]) -> None:
    agents = [IceLite(entropy) for _ in range(100)]
    assert len({agent.local_ufrag for agent in agents}) == len({agent.local_pwd for agent in agents}) == 100
    for agent in agents:
        assert 4 <= len(agent.local_ufrag) <= 256
        assert 22 <= len(agent.local_pwd) <= 256
        assert all(char.isalnum() or char in "+/" for char in agent.local_ufrag + agent.local_pwd)
        assert agent.local_pwd not in repr(agent)


def test_a_check_is_answered_with_its_reflexive_address(agent: IceLite, peer: Peer) -> None:
    answer = agent.receive(peer.check(), path(1), 0.0)
    response = stun.parse(answer.response)
    stun.verify_integrity(response, agent.local_pwd.encode())
    assert response.stun_class is StunClass.SUCCESS
    assert response.has_fingerprint
    assert str(response.xor_mapped_address) == "192.0.2.1:5001"
    assert answer.accepted
    assert not answer.nominated


def test_use_candidate_nominates_the_path_it_came_on_once(agent: IceLite, peer: Peer) -> None:
    assert agent.nominated is None
    assert agent.receive(peer.check(USE_CANDIDATE), path(1), 0.0).nominated
    assert not agent.receive(peer.check(USE_CANDIDATE), path(1), 1.0).nominated
    assert not agent.receive(peer.check(), path(2), 1.0).nominated
    assert agent.nominated == path(1)
    assert agent.receive(peer.check(USE_CANDIDATE), path(2), 2.0).nominated
    assert agent.nominated == path(2)


def over_tcp(number: int) -> bytes:
    return bytes([1]) + path(number)[1:]


def test_tcp_does_not_take_over_from_a_udp_path_that_works(agent: IceLite, peer: Peer) -> None:
    agent.receive(peer.check(USE_CANDIDATE), path(1), 0.0)
    assert not agent.receive(peer.check(USE_CANDIDATE), over_tcp(2), UDP_FRESH_S).nominated
    assert agent.nominated == path(1)


def test_tcp_takes_over_when_the_udp_path_went_silent(agent: IceLite, peer: Peer) -> None:
    agent.receive(peer.check(USE_CANDIDATE), path(1), 0.0)
    assert agent.receive(peer.check(USE_CANDIDATE), over_tcp(2), UDP_FRESH_S + 0.1).nominated
    assert agent.nominated == over_tcp(2)


def test_the_first_nomination_after_a_restart_counts_whatever_it_is(
    agent: IceLite, peer: Peer, entropy: Callable[[int], bytes]
) -> None:
    agent.receive(peer.check(USE_CANDIDATE), path(1), 0.0)
    agent.restart(entropy)
    restarted = Peer(agent, "restarted")
    assert agent.receive(restarted.check(USE_CANDIDATE), over_tcp(2), 0.1).nominated
    assert agent.receive(restarted.check(USE_CANDIDATE), path(3), 0.2).nominated
    assert not agent.receive(restarted.check(USE_CANDIDATE), over_tcp(2), 0.3).nominated


def test_udp_takes_over_from_tcp_at_once(agent: IceLite, peer: Peer) -> None:
    agent.receive(peer.check(USE_CANDIDATE), over_tcp(1), 0.0)
    assert agent.receive(peer.check(USE_CANDIDATE), path(2), 0.1).nominated


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("integrity", {"pwd": "w" * 32}),
        ("unknown_ufrag", {"username": "nobody:peer"}),
        ("username", {"username": "nocolon"}),
        ("username", {"username": ":peer"}),
        ("no_fingerprint", {"fingerprint": False}),
    ],
)
def test_a_forged_binding_request_is_dropped_without_an_answer(
    agent: IceLite, peer: Peer, reason: str, change: dict[str, str]
) -> None:
    with pytest.raises(StunError, match=f"^{reason}$"):
        agent.receive(peer.check(**change), path(1), 0.0)
    assert agent.paths == ()


def test_a_request_without_integrity_or_username_is_dropped(agent: IceLite, peer: Peer) -> None:
    name = (int(AttributeType.USERNAME), f"{agent.local_ufrag}:peer".encode())
    with pytest.raises(StunError, match="no_integrity"):
        agent.receive(stun.serialise(StunClass.REQUEST, bytes(12), (name, PRIORITY)), path(1), 0.0)
    with pytest.raises(StunError, match="no_username"):
        agent.receive(stun.serialise(StunClass.REQUEST, bytes(12), (PRIORITY,), password=peer.pwd.encode()), path(1), 0.0)


@pytest.mark.parametrize("stun_class", [StunClass.INDICATION, StunClass.ERROR])
def test_only_requests_are_acted_on(agent: IceLite, stun_class: StunClass) -> None:
    with pytest.raises(StunError, match="not_a_request"):
        agent.receive(stun.serialise(stun_class, bytes(12)), path(1), 0.0)


def test_a_peer_that_claims_to_be_controlled_gets_487(agent: IceLite, peer: Peer) -> None:
    assert error_of(agent, peer, peer.check(attributes=(PRIORITY, CONTROLLED))) == 487
    assert agent.paths == ()


def test_an_unknown_required_attribute_gets_420_that_names_it(agent: IceLite, peer: Peer) -> None:
    response = stun.parse(agent.receive(peer.check((0x7001, b"")), path(1), 0.0).response)
    assert response.error_code == 420
    assert response.get(AttributeType.UNKNOWN_ATTRIBUTES) == b"\x70\x01"


def test_an_unknown_optional_attribute_is_ignored(agent: IceLite, peer: Peer) -> None:
    assert error_of(agent, peer, peer.check((0xC057, bytes(4)))) is None


def test_a_check_without_priority_gets_400(agent: IceLite, peer: Peer) -> None:
    assert error_of(agent, peer, peer.check(attributes=(CONTROLLING,))) == 400


def test_another_remote_fragment_than_the_signaled_one_gets_401(agent: IceLite, peer: Peer) -> None:
    assert error_of(agent, peer, peer.check()) is None
    agent.set_remote("peer", "p" * 24)
    assert error_of(agent, peer, peer.check()) is None
    assert error_of(agent, peer, peer.check(username=f"{agent.local_ufrag}:other")) == 401


def test_a_check_replayed_from_another_address_is_dropped(agent: IceLite, peer: Peer) -> None:
    captured = peer.check(USE_CANDIDATE)
    agent.receive(captured, path(1), 0.0)
    with pytest.raises(StunError, match="replayed"):
        agent.receive(captured, path(2), 0.1)
    assert agent.nominated == path(1)
    assert stun.parse(agent.receive(captured, path(1), 0.2).response).stun_class is StunClass.SUCCESS


def test_remembered_transactions_are_bounded(agent: IceLite, peer: Peer) -> None:
    first = peer.check()
    agent.receive(first, path(1), 0.0)
    for _ in range(REMEMBERED_TRANSACTIONS):
        agent.receive(peer.check(), path(1), 0.0)
    assert agent.receive(first, path(2), 0.0).accepted


def test_at_most_eight_paths_are_kept_and_the_nominated_one_stays(agent: IceLite, peer: Peer) -> None:
    agent.receive(peer.check(USE_CANDIDATE), path(0), 0.0)
    for number in range(1, MAX_PATHS + 2):
        assert agent.receive(peer.check(), path(number), float(number)).accepted
    assert len(agent.paths) == MAX_PATHS
    assert path(0) in agent.paths
    assert path(1) not in agent.paths
    assert path(2) not in agent.paths


def test_consent_expires_30_seconds_after_the_last_check_on_the_nominated_path(agent: IceLite, peer: Peer) -> None:
    assert agent.consent_deadline is None
    agent.receive(peer.check(), path(1), 10.0)
    assert agent.consent_deadline == 10.0 + CONSENT_EXPIRY_S
    agent.receive(peer.check(USE_CANDIDATE), path(1), 12.0)
    agent.receive(peer.check(), path(2), 20.0)
    assert agent.consent_deadline == 12.0 + CONSENT_EXPIRY_S
    with pytest.raises(StunError):
        agent.receive(peer.check(pwd="x" * 32), path(1), 30.0)
    assert agent.consent_deadline == 12.0 + CONSENT_EXPIRY_S


def test_a_doubted_peer_has_13_seconds_to_show_that_it_is_there(agent: IceLite, peer: Peer) -> None:
    agent.receive(peer.check(USE_CANDIDATE), path(1), 0.0)
    agent.doubt(2.0)
    agent.doubt(9.0)
    assert agent.consent_deadline == 2.0 + DOUBTED_EXPIRY_S
    agent.receive(peer.check(), path(1), 10.0)
    assert agent.consent_deadline == 10.0 + CONSENT_EXPIRY_S
    agent.doubt(39.0)
    assert agent.consent_deadline == 10.0 + CONSENT_EXPIRY_S


def proof(challenge: bytes | None, pwd: str = "p" * 24) -> bytes:
    """What a full agent answers to our request, if its password is `pwd`."""
    assert challenge is not None
    request = stun.parse(challenge)
    stun.verify_integrity(request, ("p" * 24).encode())
    assert request.stun_class is StunClass.REQUEST
    return stun.serialise(StunClass.SUCCESS, request.transaction_id, password=pwd.encode())


@pytest.fixture
def guarded(agent: IceLite, peer: Peer) -> IceLite:
    """An agent whose media flows on path 1."""
    agent.set_remote("peer", "p" * 24)
    agent.receive(peer.check(USE_CANDIDATE), path(1), 0.0)
    assert agent.guard(path(1), 0.0) is None
    return agent


def test_the_path_of_the_handshake_counts_as_nominated_until_the_peer_decides(agent: IceLite, peer: Peer) -> None:
    agent.receive(peer.check(), path(1), 0.0)
    assert agent.guard(path(1), 0.0) is None
    assert agent.nominated == path(1)


@pytest.mark.parametrize("proven", [None, path(9)])
def test_without_a_proven_path_nothing_is_nominated(agent: IceLite, peer: Peer, proven: bytes | None) -> None:
    agent.receive(peer.check(), path(1), 0.0)
    assert agent.guard(proven, 0.0) is None
    assert agent.nominated is None


def test_media_begins_on_the_path_of_the_handshake_and_moves_to_another_when_that_answers(agent: IceLite, peer: Peer) -> None:
    agent.set_remote("peer", "p" * 24)
    agent.receive(peer.check(), path(1), 0.0)
    agent.receive(peer.check(USE_CANDIDATE), path(2), 0.0)
    challenged = agent.guard(path(1), 0.0)
    assert challenged is not None
    assert challenged[0] == path(2)
    assert agent.nominated == path(1)
    assert agent.receive(proof(challenged[1]), path(2), 0.1).nominated
    assert agent.nominated == path(2)


def test_media_moves_to_another_path_only_when_the_peer_answers_there(guarded: IceLite, peer: Peer) -> None:
    asked = guarded.receive(peer.check(USE_CANDIDATE), path(2), 1.0)
    assert asked.accepted
    assert not asked.nominated
    assert guarded.nominated == path(1)
    assert guarded.receive(peer.check(USE_CANDIDATE), path(2), 1.1).challenge is None
    with pytest.raises(StunError, match="unasked"):
        guarded.receive(proof(asked.challenge), path(3), 1.2)
    with pytest.raises(StunError, match="integrity"):
        guarded.receive(proof(asked.challenge, "x" * 24), path(2), 1.2)
    assert guarded.receive(proof(asked.challenge), path(2), 1.2).nominated
    assert guarded.nominated == path(2)
    with pytest.raises(StunError, match="unasked"):
        guarded.receive(proof(asked.challenge), path(2), 1.3)
    assert guarded.receive(peer.check(USE_CANDIDATE), path(1), 1.4).nominated


def test_a_forged_source_that_never_answers_keeps_no_consent_alive(guarded: IceLite, peer: Peer) -> None:
    for second in range(25):
        assert not guarded.receive(peer.check(USE_CANDIDATE), path(2), float(second)).nominated
    assert guarded.nominated == path(1)
    assert guarded.consent_deadline == CONSENT_EXPIRY_S


def test_an_answer_comes_too_late_for_a_path_that_the_peer_wants_no_longer(guarded: IceLite, peer: Peer) -> None:
    asked = guarded.receive(peer.check(USE_CANDIDATE), path(2), 1.0)
    again = guarded.receive(peer.check(USE_CANDIDATE), path(3), 1.1)
    with pytest.raises(StunError, match="unasked"):
        guarded.receive(proof(asked.challenge), path(2), 1.2)
    assert guarded.receive(proof(again.challenge), path(3), 1.3).nominated
    asked = guarded.receive(peer.check(USE_CANDIDATE), path(4), 1.4)
    assert guarded.receive(peer.check(USE_CANDIDATE), path(1), 1.5).nominated
    assert not guarded.receive(proof(asked.challenge), path(4), 1.6).nominated
    assert guarded.nominated == path(1)


def test_a_tcp_path_needs_no_challenge(guarded: IceLite, peer: Peer) -> None:
    answer = guarded.receive(peer.check(USE_CANDIDATE), over_tcp(2), UDP_FRESH_S + 0.1)
    assert answer.nominated
    assert answer.challenge is None


def test_media_follows_a_peer_that_checks_without_nominating_when_its_nominated_path_fell_silent(
    guarded: IceLite, peer: Peer
) -> None:
    assert guarded.receive(peer.check(), path(2), SILENT_AFTER_S).challenge is None
    asked = guarded.receive(peer.check(), path(2), SILENT_AFTER_S + 0.1)
    assert guarded.nominated == path(1)
    assert guarded.receive(proof(asked.challenge), path(2), SILENT_AFTER_S + 0.2).nominated
    assert guarded.nominated == path(2)


def test_media_stays_where_checks_come_from_while_another_path_is_only_checked(guarded: IceLite, peer: Peer) -> None:
    for second in range(30):
        assert guarded.receive(peer.check(), path(2), float(second)).challenge is None
        guarded.receive(peer.check(), path(1), float(second))
    assert guarded.nominated == path(1)


def test_a_peer_that_lost_its_path_and_nominates_nothing_is_asked_on_the_path_that_it_checks(
    guarded: IceLite, peer: Peer
) -> None:
    guarded.forget_path(path(1))
    asked = guarded.receive(peer.check(), path(2), 1.0)
    assert guarded.receive(peer.check(), path(3), 1.1).challenge is None
    assert guarded.receive(proof(asked.challenge), path(2), 1.2).nominated
    assert guarded.nominated == path(2)


def test_a_path_that_did_not_answer_is_asked_again_when_it_is_checked_again(guarded: IceLite, peer: Peer) -> None:
    guarded.forget_path(path(1))
    assert guarded.receive(peer.check(), path(2), 1.0).challenge is not None
    while guarded.challenge_due is not None:
        guarded.repeat_challenge(guarded.challenge_due)
    assert guarded.receive(peer.check(), path(2), 4.0).challenge is not None


def test_a_wanted_path_that_was_lost_stands_in_no_others_way(guarded: IceLite, peer: Peer) -> None:
    guarded.forget_path(path(1))
    guarded.receive(peer.check(), path(2), 1.0)
    guarded.forget_path(path(2))
    assert guarded.receive(peer.check(), path(3), 1.1).challenge is not None


def test_in_the_middle_of_a_restart_the_peer_is_asked_under_the_fragments_of_its_check(
    guarded: IceLite, peer: Peer, entropy: Callable[[int], bytes]
) -> None:
    guarded.restart(entropy)
    asked = guarded.receive(peer.check(USE_CANDIDATE), path(2), 1.0)
    assert asked.challenge is not None
    assert stun.parse(asked.challenge).get(AttributeType.USERNAME) == f"peer:{peer.local}".encode()


def test_a_path_that_was_forgotten_must_answer_again(guarded: IceLite, peer: Peer) -> None:
    guarded.forget_path(path(1))
    assert not guarded.receive(peer.check(USE_CANDIDATE), path(1), 1.0).nominated


def test_a_peer_whose_new_password_is_not_known_yet_is_asked_when_it_is(
    guarded: IceLite, entropy: Callable[[int], bytes]
) -> None:
    guarded.restart(entropy)
    newcomer = Peer(guarded, "peer2")
    assert guarded.receive(newcomer.check(USE_CANDIDATE), path(2), 1.0).challenge is None
    guarded.set_remote("peer2", "p" * 24)
    answer = guarded.receive(newcomer.check(USE_CANDIDATE), path(2), 1.1)
    assert guarded.receive(proof(answer.challenge), path(2), 1.2).nominated


def test_a_challenge_that_was_lost_is_sent_again(guarded: IceLite, peer: Peer) -> None:
    assert guarded.challenge_due is None
    asked = guarded.receive(peer.check(USE_CANDIDATE), path(2), 1.0)
    assert guarded.challenge_due is not None
    assert guarded.repeat_challenge(guarded.challenge_due) == (path(2), asked.challenge)


def test_a_closed_path_is_forgotten_and_consent_runs_on(agent: IceLite, peer: Peer) -> None:
    agent.receive(peer.check(USE_CANDIDATE), path(1), 5.0)
    agent.forget_path(path(1))
    agent.forget_path(path(1))
    assert agent.paths == ()
    assert agent.nominated is None
    assert agent.consent_deadline == 5.0 + CONSENT_EXPIRY_S
    assert agent.receive(peer.check(USE_CANDIDATE), path(1), 6.0).nominated


def test_old_credentials_stay_valid_until_the_new_ones_are_used(
    agent: IceLite, peer: Peer, entropy: Callable[[int], bytes]
) -> None:
    agent.set_remote("peer", "p" * 24)
    agent.receive(peer.check(USE_CANDIDATE), path(1), 0.0)
    old = agent.local_ufrag
    assert agent.restart(entropy) is None
    agent.set_remote("peer2", "p" * 24)
    newcomer = Peer(agent, "peer2")
    assert agent.live_ufrags == (agent.local_ufrag, old)
    assert agent.receive(peer.check(), path(1), 1.0).retired_ufrag is None
    assert agent.receive(newcomer.check(USE_CANDIDATE), path(2), 2.0).retired_ufrag == old
    assert agent.live_ufrags == (agent.local_ufrag,)
    assert agent.nominated == path(2)
    with pytest.raises(StunError, match="unknown_ufrag"):
        agent.receive(peer.check(), path(1), 3.0)


def test_a_peer_may_tell_its_new_fragment_before_or_after_our_restart(
    agent: IceLite, peer: Peer, entropy: Callable[[int], bytes]
) -> None:
    agent.set_remote("peer", "p" * 24)
    agent.set_remote("peer2", "p" * 24)
    agent.restart(entropy)
    assert error_of(agent, peer, peer.check()) is None
    newcomer = Peer(agent, "peer2")
    assert error_of(agent, newcomer, newcomer.check(username=f"{agent.local_ufrag}:peer")) == 401
    assert error_of(agent, newcomer, newcomer.check()) is None
    agent.restart(entropy)
    early = Peer(agent, "peer3")
    assert error_of(agent, early, early.check()) is None
    agent.set_remote("peer3", "p" * 24)
    assert error_of(agent, early, early.check()) is None
    assert error_of(agent, early, early.check(username=f"{agent.local_ufrag}:peer2")) == 401


def test_a_second_restart_retires_the_credentials_that_nobody_used(
    agent: IceLite, peer: Peer, entropy: Callable[[int], bytes]
) -> None:
    agent.receive(peer.check(), path(1), 0.0)
    first = agent.local_ufrag
    agent.restart(entropy)
    second = agent.local_ufrag
    assert agent.restart(entropy) == second
    assert agent.live_ufrags == (agent.local_ufrag, first)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (bytes([0, 4, 0, 80, 192, 0, 2, 9]) + bytes(24), "192.0.2.9:80"),
        (bytes([1, 6, 0, 80, 0x20, 1, 0xD, 0xB8]) + bytes(11) + bytes([1]) + bytes(12), "2001:db8::1:80"),
    ],
)
def test_a_path_tells_its_address(raw: bytes, text: str) -> None:
    assert str(address_of(raw)) == text


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(32), bytes([0, 5]) + bytes(30)])
def test_what_is_no_path_is_refused(raw: bytes) -> None:
    with pytest.raises(StunError, match="path"):
        address_of(raw)


def test_the_fragment_of_a_request_is_seen_without_parsing_it(agent: IceLite, peer: Peer) -> None:
    assert local_ufrag_of(peer.check()) == agent.local_ufrag.encode()
    assert local_ufrag_of(b"junk") is None
    assert not is_answer(peer.check())
    assert is_answer(stun.serialise(StunClass.SUCCESS, bytes(12)))
