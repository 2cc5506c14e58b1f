"""ICE-lite: we answer binding requests (RFC 8445 section 2.5, RFC 7675) and send one only to a path that media is to move to.

A peer's paths are learnt from its authenticated checks; USE-CANDIDATE nominates the path it came on. A request
without a valid MESSAGE-INTEGRITY gets no answer at all, so that nobody can make us talk to a forged source.
"""

import hmac
from base64 import b64encode
from collections import OrderedDict

from msgspec import Struct

from conclave.media import stun
from conclave.media.return_path import ReturnPaths
from conclave.media.stun import Attribute, AttributeType, StunClass, StunError, StunMessage, TransportAddress
from conclave.model.ids import Entropy

UFRAG_ENTROPY_BYTES = 9
PWD_ENTROPY_BYTES = 24
CONSENT_EXPIRY_S = 30.0
DOUBTED_EXPIRY_S = 13.0
UDP_FRESH_S = 3.0
SILENT_AFTER_S = 7.0
MAX_PATHS = 8
REMEMBERED_TRANSACTIONS = 256
PATH_BYTES = 32


class IceAnswer(Struct, frozen=True):
    """What a message led to: what to send back (`response` to a request, `challenge` when media is to move to its path), whether
    it was a good request (then its path is the peer's), and whether the path is newly nominated. `retired_ufrag` is the local
    fragment that stopped being valid."""

    response: bytes | None = None
    challenge: bytes | None = None
    accepted: bool = False
    nominated: bool = False
    retired_ufrag: str | None = None


class _Credentials:
    """One generation of ours, with the peer's fragments that may go with it; none: any, it has not been signaled yet."""

    def __init__(self, entropy: Entropy) -> None:
        self.ufrag = b64encode(entropy(UFRAG_ENTROPY_BYTES)).decode()
        self.pwd = b64encode(entropy(PWD_ENTROPY_BYTES)).decode()
        self.remote_ufrags: tuple[str, ...] = ()

    def accepts(self, remote: bytes) -> bool:
        return not self.remote_ufrags or any(hmac.compare_digest(known.encode(), remote) for known in self.remote_ufrags)


class IceLite:
    """One ICE session with one component, always in the controlled role."""

    def __init__(self, entropy: Entropy) -> None:
        self._credentials = _Credentials(entropy)
        self._previous: _Credentials | None = None
        self._used = False
        self._paths: OrderedDict[bytes, float] = OrderedDict()
        self._transactions: OrderedDict[bytes, bytes] = OrderedDict()
        self._return_paths = ReturnPaths(entropy)
        self._remote_pwds: dict[str, str] = {}
        self._guarded = False
        self._wanted: bytes | None = None
        self._nominated: bytes | None = None
        self._last_check: float | None = None
        self._doubted_at: float | None = None
        self._awaits_nomination = False

    def __repr__(self) -> str:
        return f"IceLite(ufrag={self.local_ufrag}, paths={len(self._paths)})"

    @property
    def local_ufrag(self) -> str:
        return self._credentials.ufrag

    @property
    def local_pwd(self) -> str:
        return self._credentials.pwd

    @property
    def live_ufrags(self) -> tuple[str, ...]:
        """Our fragments that requests may use now; two between a restart and the first check that uses it."""
        generations = (self._credentials, self._previous)
        return tuple(generation.ufrag for generation in generations if generation is not None)

    @property
    def nominated(self) -> bytes | None:
        return self._nominated

    @property
    def paths(self) -> tuple[bytes, ...]:
        """Proven paths, the one that was checked last at the end."""
        return tuple(self._paths)

    @property
    def consent_deadline(self) -> float | None:
        """When consent expires, None before the first check: 30 s after the last check on the nominated path, or on
        any path while none is nominated (RFC 7675 section 5.1)."""
        last = self._last_check if self._nominated is None else self._paths[self._nominated]
        if last is None or self._doubted_at is None:
            return None if last is None else last + CONSENT_EXPIRY_S
        return min(last + CONSENT_EXPIRY_S, self._doubted_at + DOUBTED_EXPIRY_S)

    @property
    def challenge_due(self) -> float | None:
        """When `repeat_challenge` has something to do."""
        return self._return_paths.due

    def set_remote(self, ufrag: str, pwd: str) -> None:
        """Tell the credentials that the peer signaled. When it restarts ICE, its new ones may be told before `restart`
        is called: until then the old ones stay good as well."""
        known = self._credentials.remote_ufrags[-1:]
        self._credentials.remote_ufrags = known if known == (ufrag,) else (*known, ufrag)
        former = list(self._remote_pwds.items())[-1:]
        self._remote_pwds = dict(former) | {ufrag: pwd}

    def restart(self, entropy: Entropy) -> str | None:
        """Make new credentials (RFC 8445 section 9). The ones in use stay valid until the first check with the new
        ones; returns the fragment of credentials that were never used and are dropped."""
        retired = None
        if self._used or self._previous is None:
            self._previous = self._credentials
        else:
            retired = self._credentials.ufrag
        told_already = self._credentials.remote_ufrags[1:]
        self._credentials = _Credentials(entropy)
        self._credentials.remote_ufrags = told_already
        self._used = False
        return retired

    def guard(self, proven: bytes | None, now: float) -> tuple[bytes, bytes] | None:
        """Media begins: from now on it moves to a path only when the peer has shown that it receives there.

        `proven` is the path whose handshake has shown it. It counts as nominated until the peer nominates another: RFC 8445
        section 12.1.2 lets us use any valid pair, and libwebrtc sends media up to 100 ms before its nomination. Returns
        (path, challenge) to send when the peer has nominated another already.
        """
        wanted, self._guarded, self._nominated = self._nominated, True, None
        if proven is not None and proven in self._paths:
            self._return_paths.trust(proven)
            self._nominated = proven
        if wanted is None or wanted == self._nominated:
            return None
        if self._may_carry(wanted):
            self._nominated = wanted
            return None
        challenge = self._challenge(wanted, next(reversed(self._remote_pwds), ""), self.local_ufrag, now)
        return None if challenge is None else (wanted, challenge)

    def repeat_challenge(self, now: float) -> tuple[bytes, bytes] | None:
        """Return (path, challenge) to send again, if that is due."""
        return self._return_paths.repeat(now)

    def doubt(self, now: float) -> None:
        """Expect a check within 13 s, twice the longest interval between checks for consent (RFC 7675 section 5.1): something
        that anybody can forge says that the peer has gone."""
        if self._doubted_at is None:
            self._doubted_at = now

    def forget_path(self, path: bytes) -> None:
        """The connection under `path` is gone, or the path is another's."""
        self._paths.pop(path, None)
        self._return_paths.keep(self._paths)
        if self._nominated == path:
            self._nominated = None
        if self._wanted == path:
            self._wanted = None

    def receive(self, data: bytes, path: bytes, now: float) -> IceAnswer:
        """Process a datagram from `path`. Raises StunError when it must be dropped without an answer."""
        message = stun.parse(data)
        if message.stun_class == StunClass.SUCCESS:
            return self._accept_proof(message, path)
        if message.stun_class != StunClass.REQUEST:
            raise StunError("not_a_request")
        if not message.has_fingerprint:
            raise StunError("no_fingerprint")
        local, remote = _split_username(message)
        credentials = self._credentials_of(local)
        password = credentials.pwd.encode()
        stun.verify_integrity(message, password)
        if self._transactions.get(message.transaction_id, path) != path:
            raise StunError("replayed")
        refusal = _refusal(message, credentials, remote)
        if refusal is not None:
            return IceAnswer(stun.serialise(StunClass.ERROR, message.transaction_id, refusal, password=password))
        return self._accept(message, credentials, remote.decode(errors="replace"), path, now)

    def _credentials_of(self, local: bytes) -> _Credentials:
        for generation in (self._credentials, self._previous):
            if generation is not None and hmac.compare_digest(generation.ufrag.encode(), local):
                return generation
        raise StunError("unknown_ufrag")

    def _accept_proof(self, message: StunMessage, path: bytes) -> IceAnswer:
        """The peer answered our challenge on `path`: media moves there if that is still what it wants."""
        self._return_paths.settle(message, path)
        if path != self._wanted:
            return IceAnswer()
        self._nominated, self._wanted = path, None
        return IceAnswer(nominated=True)

    def _accept(self, message: StunMessage, credentials: _Credentials, remote: str, path: bytes, now: float) -> IceAnswer:
        retired = None
        if credentials is self._credentials:
            self._used = True
            if self._previous is not None:
                retired, self._previous = self._previous.ufrag, None
                self._awaits_nomination = True
        self._remember_transaction(message.transaction_id, path)
        self._touch(path, now)
        named = message.has(AttributeType.USE_CANDIDATE)
        wanted = self._may_take_over(path, now) if named else self._has_moved(path, now)
        nominated = wanted and self._may_carry(path)
        challenge = self._challenge(path, remote, credentials.ufrag, now) if wanted and not nominated else None
        if nominated:
            self._nominated, self._wanted = path, None
        if named:
            self._awaits_nomination = False
        mapped = stun.xor_mapped_address(address_of(path), message.transaction_id)
        response = stun.serialise(StunClass.SUCCESS, message.transaction_id, (mapped,), password=credentials.pwd.encode())
        return IceAnswer(response, challenge, accepted=True, nominated=nominated, retired_ufrag=retired)

    def _has_moved(self, path: bytes, now: float) -> bool:
        """Whether the peer's NAT seems to have given it another port.

        Firefox renews consent without USE-CANDIDATE, so it never nominates what it does not know of. Then the nominated path has
        been silent for longer than checks are apart (6 s, RFC 7675 section 5.1), or was lost, and another is checked.
        """
        if not self._guarded or path == self._nominated:
            return False
        current = self._nominated or self._wanted
        return current in (None, path) or now - self._paths[current] > SILENT_AFTER_S

    def _may_carry(self, path: bytes) -> bool:
        """Whether media may flow on `path`. Who has made a TCP connection receives on it."""
        return not self._guarded or not _is_udp(path) or self._return_paths.is_proven(path)

    def _challenge(self, path: bytes, remote: str, local: str, now: float) -> bytes | None:
        """Ask the peer, which goes by `remote` and knows us as `local`, to show that it receives on `path`; not before its
        password has been signaled."""
        self._wanted = path
        password = self._remote_pwds.get(remote)
        return None if password is None else self._return_paths.ask(path, f"{remote}:{local}", password, now)

    def _may_take_over(self, path: bytes, now: float) -> bool:
        """Whether media moves to `path` now that it is nominated.

        Firefox nominates every pair it checks and uses the best one (RFC 5245 section 8.1.1.2), so a TCP path does not take over
        from a UDP path that was checked within 3 s. Who really changes to TCP nominates it again with each check. The first
        nomination after an ICE restart always counts.
        """
        current = self._nominated
        if path == current:
            return False
        if current is None or self._awaits_nomination:
            return True
        return _is_udp(path) or not _is_udp(current) or now - self._paths[current] > UDP_FRESH_S

    def _remember_transaction(self, transaction_id: bytes, path: bytes) -> None:
        """MESSAGE-INTEGRITY does not cover the source address: a captured check that is sent again from elsewhere
        would move the media there."""
        self._transactions[transaction_id] = path
        if len(self._transactions) > REMEMBERED_TRANSACTIONS:
            self._transactions.popitem(last=False)

    def _touch(self, path: bytes, now: float) -> None:
        self._last_check, self._doubted_at = now, None
        if path not in self._paths and len(self._paths) >= MAX_PATHS:
            self.forget_path(next(known for known in self._paths if known != self._nominated))
        self._paths[path] = now
        self._paths.move_to_end(path)


def _is_udp(path: bytes) -> bool:
    return path[0] == 0


def address_of(path: bytes) -> TransportAddress:
    """Return the address inside a plane's path (see plane.pyi). Raises StunError when it is none."""
    if len(path) != PATH_BYTES or path[1] not in (4, 6):
        raise StunError("path")
    return TransportAddress(path[4:8] if path[1] == 4 else path[4:20], int.from_bytes(path[2:4], "big"))


def is_answer(data: bytes) -> bool:
    """Whether a datagram may be the answer to a binding request of ours; it names no fragment."""
    return data[:2] == stun.SUCCESS_BYTES


def local_ufrag_of(data: bytes) -> bytes | None:
    """Return our fragment that a binding request names, or None: the cheap look before anything is parsed."""
    username = stun.peek_username(data)
    return None if username is None else username.partition(b":")[0]


def _split_username(message: StunMessage) -> tuple[bytes, bytes]:
    username = message.get(AttributeType.USERNAME)
    if username is None:
        raise StunError("no_username")
    local, colon, remote = username.partition(b":")
    if not colon or not local or not remote:
        raise StunError("username")
    return local, remote


def _refusal(message: StunMessage, credentials: _Credentials, remote: bytes) -> tuple[Attribute, ...] | None:
    """Return the attributes of an error response to an authenticated request, or None when it is good."""
    if message.unknown_required:
        return stun.error_code(420, "Unknown Attribute"), stun.unknown_attributes(message.unknown_required)
    if not credentials.accepts(remote):
        return (stun.error_code(401, "Unauthenticated"),)
    if not message.has(AttributeType.PRIORITY):
        return (stun.error_code(400, "Bad Request"),)
    if message.has(AttributeType.ICE_CONTROLLED):
        return (stun.error_code(487, "Role Conflict"),)
    return None
