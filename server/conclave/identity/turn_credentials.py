"""Credentials for an external TURN server that shares a secret with us (draft-uberti-behave-turn-rest; coturn: use-auth-secret).

The username is `<expiry in Unix seconds>:<session id>`, the password base64(HMAC-SHA1(secret, username)). Whoever bears them can
relay until the expiry and learns nothing of the secret; the TURN server needs no list of users.
"""

import hmac
from base64 import b64encode
from typing import Any

from conclave.model.ids import SessionId


class TurnCredentials:
    """Makes the RTCIceServer maps of `welcome`."""

    def __init__(self, urls: tuple[str, ...], secret: str, lifetime_s: int) -> None:
        """`urls` are turn: and turns: URIs (RFC 7065); without any, clients get no server."""
        self._urls = urls
        self._secret = secret.encode()
        self._lifetime_s = lifetime_s

    def __repr__(self) -> str:
        return f"TurnCredentials({', '.join(self._urls)})"

    def ice_servers(self, session_id: SessionId, wall_s: float) -> list[dict[str, Any]]:
        """Return what a session may use from `wall_s` (Unix seconds) on for the lifetime."""
        if not self._urls:
            return []
        username = f"{int(wall_s) + self._lifetime_s}:{session_id}"
        digest = hmac.digest(self._secret, username.encode(), "sha1")
        return [{"urls": list(self._urls), "username": username, "credential": b64encode(digest).decode()}]
