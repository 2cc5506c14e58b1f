"""Takes secrets and personal data out of log events: by the name of a key, and by the look of a text.

Every log line passes through `redact`, ours and those of libraries. All patterns are linear in the length of the text.
"""

import re
from collections.abc import Mapping, MutableMapping
from ipaddress import ip_address
from typing import Any

REDACTED = "[redacted]"
MAX_TEXT_CHARACTERS = 4_096
MAX_DEPTH = 6

SECRET_WORDS = ("secret", "passw", "token", "sdp", "pwd", "authorization", "cookie", "credential", "private", "ufrag")
PERSONAL_KEYS = frozenset(
    {"address", "addresses", "candidate", "candidates", "client_name", "display_name", "email", "ip", "name", "peername",
     "remote", "remote_addr", "user_agent", "username"}
)  # fmt: skip
OUR_NAMES = frozenset({"logger", "event", "level", "timestamp"})

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_SDP = re.compile(r"\bv=0[\r\n]|\ba=(?:ice-pwd|ice-ufrag|candidate|fingerprint|crypto):")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:%\w{1,15})?(?![\w:])")


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: return `event` with secrets and personal data replaced, at any depth."""
    return {key: _value(key, value, 0) for key, value in event.items()}


def redact_text(text: str) -> str:
    """Replace tokens, SDP and addresses in free text; longer texts than 4,096 characters are cut."""
    text = text[:MAX_TEXT_CHARACTERS]
    if _SDP.search(text):
        return REDACTED
    text = _JWT.sub(REDACTED, text)
    text = _BEARER.sub(REDACTED, text)
    return _IPV6.sub(_address, _IPV4.sub(_address, text))


def _value(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if key not in OUR_NAMES and _is_sensitive(key):
        return REDACTED
    if depth >= MAX_DEPTH:
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {str(inner): _value(str(inner), item, depth + 1) for inner, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_value(key, item, depth + 1) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"[{len(value)} bytes]"
    return redact_text(str(value))


def _is_sensitive(key: str) -> bool:
    lowered = key.lower()
    return lowered in PERSONAL_KEYS or any(word in lowered for word in SECRET_WORDS)


def _address(match: re.Match[str]) -> str:
    try:
        address = ip_address(match.group().partition("%")[0])
    except ValueError:
        return match.group()
    return match.group() if address.is_loopback or address.is_unspecified else REDACTED
