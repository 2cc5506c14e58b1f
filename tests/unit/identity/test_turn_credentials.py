import base64
import hashlib
import hmac

from conclave.identity.turn_credentials import TurnCredentials
from conclave.model.ids import SessionId

URLS = ("turn:turn.example:3478?transport=udp", "turns:turn.example:5349")
SESSION = SessionId("s" * 16)


def test_the_password_is_the_mac_of_a_username_that_expires() -> None:
    (server,) = TurnCredentials(URLS, "secret", 600).ice_servers(SESSION, 1_000.7)
    assert server["urls"] == list(URLS)
    assert server["username"] == f"1600:{SESSION}"
    expected = hmac.new(b"secret", server["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == expected


def test_without_addresses_there_is_no_server() -> None:
    assert TurnCredentials((), "", 600).ice_servers(SESSION, 0.0) == []


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(TurnCredentials(URLS, "secret", 600))
