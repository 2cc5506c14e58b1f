"""Whether a peer receives at an address, and not only seems to send from there.

A connectivity check proves who sent it; MESSAGE-INTEGRITY does not cover the source address. So before media moves to another
path, a binding request of ours must be answered there: a full agent answers one at any time (RFC 8445 section 7.3), and the
transaction id is for its eyes alone. RFC 9000 section 8.2 validates paths of QUIC likewise.
"""

import hmac
from collections.abc import Iterable

from msgspec import Struct

from conclave.media import stun
from conclave.media.stun import AttributeType, StunClass, StunError, StunMessage
from conclave.model.ids import Entropy

REPEAT_AFTER_S = (0.1, 0.3, 0.9)
"""Pauses after each request but the last: a lost one costs little, and a forged check makes us send no more than four."""

GIVE_UP_AFTER_S = 1.0
PRIORITY = (126 << 24 | 65535 << 8 | 255).to_bytes(4, "big")
"""Of a host candidate (RFC 8445 section 5.1.2.1), the only kind that we have."""


class _Challenge(Struct):
    path: bytes
    username: str
    transaction_id: bytes
    password: bytes
    request: bytes
    due: float
    sent: int = 1


class ReturnPaths:
    """The paths that are proven, and the one that is being asked: the one that the peer nominated last."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._proven: set[bytes] = set()
        self._challenge: _Challenge | None = None

    @property
    def due(self) -> float | None:
        """When `repeat` has something to do."""
        return None if self._challenge is None else self._challenge.due

    def trust(self, path: bytes) -> None:
        """Something else than a challenge has proven `path`."""
        self._proven.add(path)

    def is_proven(self, path: bytes) -> bool:
        return path in self._proven

    def keep(self, paths: Iterable[bytes]) -> None:
        """Forget every path that is not among `paths`."""
        self._proven.intersection_update(paths)
        if self._challenge is not None and self._challenge.path not in paths:
            self._challenge = None

    def ask(self, path: bytes, username: str, password: str, now: float) -> bytes | None:
        """Return the request to send to `path`, or None while it is being asked already. Another path is asked no longer."""
        asked = self._challenge
        if asked is not None and (asked.path, asked.username) == (path, username):
            return None
        transaction_id = self._entropy(stun.TRANSACTION_ID_BYTES)
        attributes = (
            (int(AttributeType.USERNAME), username.encode()),
            (int(AttributeType.PRIORITY), PRIORITY),
            (int(AttributeType.ICE_CONTROLLED), self._entropy(8)),
        )
        secret = password.encode()
        request = stun.serialise(StunClass.REQUEST, transaction_id, attributes, password=secret)
        self._challenge = _Challenge(path, username, transaction_id, secret, request, now + REPEAT_AFTER_S[0])
        return request

    def repeat(self, now: float) -> tuple[bytes, bytes] | None:
        """Return (path, request) to send again if that is due; after the last one the path stays unproven until asked anew."""
        challenge = self._challenge
        if challenge is None or now < challenge.due:
            return None
        if challenge.sent > len(REPEAT_AFTER_S):
            self._challenge = None
            return None
        challenge.sent += 1
        more = challenge.sent <= len(REPEAT_AFTER_S)
        challenge.due = now + (REPEAT_AFTER_S[challenge.sent - 1] if more else GIVE_UP_AFTER_S)
        return challenge.path, challenge.request

    def settle(self, answer: StunMessage, path: bytes) -> None:
        """Take a success response from `path`, which proves it. Raises StunError on one that nobody asked `path` for."""
        challenge = self._challenge
        if (
            challenge is None
            or challenge.path != path
            or not hmac.compare_digest(challenge.transaction_id, answer.transaction_id)
        ):
            raise StunError("unasked")
        stun.verify_integrity(answer, challenge.password)
        self._challenge = None
        self._proven.add(path)
