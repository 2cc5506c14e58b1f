"""Which access tokens are revoked: single ones, all of a sign-in, all of a user's. In memory: a check waits for nothing."""

from conclave.identity.revocations import MAX_REVOCATIONS, Revocations
from conclave.identity.signed_tokens import not_valid
from conclave.model.accounts import Revocation, RevocationKind
from conclave.model.errors import Unavailable


class TokenRevocations:
    """Bounded; when it is full it refuses to take another, and never forgets one early. Times are Unix seconds."""

    def __init__(self, capacity: int = MAX_REVOCATIONS) -> None:
        self._capacity = capacity
        self._tokens = Revocations(capacity)
        self._sign_ins = Revocations(capacity)
        self._users: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._tokens) + len(self._sign_ins) + len(self._users)

    def add(self, revocation: Revocation, now_s: float) -> None:
        """Hold a revocation from now on. Raises Unavailable when there is no room."""
        match revocation.kind:
            case RevocationKind.TOKEN:
                self._tokens.add(revocation.subject, revocation.expires_at_s, now_s)
            case RevocationKind.SIGN_IN:
                self._sign_ins.add(revocation.subject, revocation.expires_at_s, now_s)
            case RevocationKind.USER:
                self._add_user(revocation, now_s)

    def check(self, jti: str, sign_in_id: str, user_id: str, epoch: int) -> None:
        """Raise Refused (`unauthorized`) when a token with these claims is revoked."""
        self.check_epoch(user_id, epoch)
        if jti in self._tokens or sign_in_id in self._sign_ins:
            raise not_valid()

    def check_epoch(self, user_id: str, epoch: int) -> None:
        """Raise Refused (`unauthorized`) when everything of this epoch of a user's is revoked."""
        least, _ = self._users.get(user_id, (epoch, 0.0))
        if epoch < least:
            raise not_valid()

    def _add_user(self, revocation: Revocation, now_s: float) -> None:
        if revocation.subject not in self._users and len(self._users) >= self._capacity:
            self._users = {user: held for user, held in self._users.items() if held[1] > now_s}
            if len(self._users) >= self._capacity:
                raise Unavailable("revocations", "the list is full")
        epoch, until_s = self._users.get(revocation.subject, (0, 0.0))
        self._users[revocation.subject] = (max(epoch, revocation.epoch), max(until_s, revocation.expires_at_s))
