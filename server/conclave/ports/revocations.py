"""The door to where revocations last longer than the process."""

from collections.abc import Iterable
from typing import Protocol


class RevocationStore(Protocol):
    """Keeps which invitations are revoked, each until it would have expired. Times are Unix seconds."""

    def keep(self, jti: str, expires_at_s: float) -> None:
        """Make a revocation durable before returning. Raises Unavailable when that is not possible."""

    def kept(self) -> Iterable[tuple[str, float]]:
        """Return what was kept, with the time until which it holds."""


class NoRevocationStore:
    """Revocations that end with the process."""

    def keep(self, jti: str, expires_at_s: float) -> None:
        """Nothing outlasts the process."""

    def kept(self) -> Iterable[tuple[str, float]]:
        """Return nothing."""
        return ()
