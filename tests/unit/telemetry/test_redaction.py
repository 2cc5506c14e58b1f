from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.telemetry.redaction import MAX_TEXT_CHARACTERS, REDACTED, redact, redact_text

JWT = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhYmNkZWZnaGlqa2xtbm9wIn0.c2lnbmF0dXJl"
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\na=ice-pwd:verysecretpassword\r\n"


def clean(event: dict[str, Any]) -> dict[str, Any]:
    return dict(redact(None, "info", event))


@pytest.mark.parametrize(
    "key",
    ["token", "resume_token", "password", "client_secret", "sdp", "ice_pwd", "ice_ufrag", "Authorization", "display_name", "ip"],
)
def test_a_sensitive_key_hides_whatever_it_holds(key: str) -> None:
    assert clean({"event": "x", key: "value"})[key] == REDACTED
    assert clean({"event": "x", "deep": [{"er": {key: {"a": 1}}}]})["deep"][0]["er"][key] == REDACTED


@pytest.mark.parametrize("secret", [JWT, SDP, "a=ice-pwd:abcdefgh", "Bearer abcdefghijkl", "from 192.0.2.7:5000", "2001:db8::17"])
def test_secrets_in_free_text_are_taken_out(secret: str) -> None:
    text = redact_text(f"it said {secret} and left" if secret != SDP else secret)
    for part in ("eyJ", "ice-pwd", "abcdefghijkl", "192.0.2.7", "2001:db8"):
        assert part not in text


def test_loopback_addresses_and_plain_words_stay() -> None:
    text = "listening on 127.0.0.1:8443 and [::1]:8443 with version 1.2.3 at 12:30:45"
    assert redact_text(text) == text


def test_numbers_and_our_own_fields_stay() -> None:
    event = {"event": "message", "level": "info", "duration_us": 5, "resumed": True, "code": None}
    assert clean(event) == event


def test_bytes_are_replaced_by_their_length() -> None:
    assert clean({"event": "x", "data": b"12345"})["data"] == "[5 bytes]"


def test_a_long_text_is_cut_and_deep_nesting_ends() -> None:
    assert len(redact_text("a" * 100_000)) == MAX_TEXT_CHARACTERS
    nested: Any = "x"
    for _ in range(50):
        nested = {"a": nested}
    assert REDACTED in str(clean({"event": "x", "a": nested}))


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_token_never_survives_among_other_words(before: str, after: str) -> None:
    assert JWT not in redact_text(f"{before} {JWT} {after}")


@given(st.recursive(st.none() | st.integers() | st.text() | st.binary(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)))
def test_any_event_can_be_redacted(value: Any) -> None:
    assert "event" in clean({"event": "x", "value": value})
