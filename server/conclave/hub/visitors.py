"""Whoever was greeted: outlives a lost connection as long as the seat does."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING

from conclave.identity.access_tokens import AccessClaims
from conclave.meeting.context import Caller
from conclave.model.ids import Entropy, SessionId
from conclave.policy.buckets import Buckets

if TYPE_CHECKING:
    from conclave.hub.meeting_queue import MeetingQueue
    from conclave.hub.sessions import Session

RESUME_TOKEN_BYTES = 32


class Visitor:
    """A session on the wire. `session` is its connection now, or None while it has none; `bearer` is the account's token."""

    def __init__(self, caller: Caller, queue: "MeetingQueue", buckets: Buckets, bearer: AccessClaims | None = None) -> None:
        self.caller = caller
        self.queue = queue
        self.buckets = buckets
        self.bearer = bearer
        self.session: Session | None = None
        self._resume_digest = b""

    def __repr__(self) -> str:
        return f"Visitor({self.session_id})"

    @property
    def session_id(self) -> SessionId:
        return self.caller.session_id

    def new_resume_token(self, entropy: Entropy) -> str:
        """Return the next resume token; the one before is good no more. Only its digest is kept."""
        token = urlsafe_b64encode(entropy(RESUME_TOKEN_BYTES)).rstrip(b"=").decode()
        self._resume_digest = sha256(token.encode()).digest()
        return token

    def has_resume_token(self, token: str) -> bool:
        """Return whether `token` is the current one, compared in constant time."""
        return compare_digest(sha256(token.encode()).digest(), self._resume_digest)

    def spend_resume_token(self, token: str) -> bool:
        """Return whether `token` is the current one, compared in constant time, and spend it if so."""
        good = self.has_resume_token(token)
        if good:
            self._resume_digest = b""
        return good


Forget = Callable[[Visitor], None]
