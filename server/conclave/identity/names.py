"""Usernames and e-mail addresses in the one form in which they are compared (NFKC and case folding, Unicode TR 15)."""

import re
import unicodedata

from conclave.model.errors import ErrorCode, Refused

MAX_USERNAME = 64
MAX_EMAIL = 254
INNER = frozenset("._-+@")
"""What may stand between letters and digits; so an e-mail address can be a username."""

EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "IDEOGRAPHIC"})
_EMAIL = re.compile(r"[^\s@\x00-\x20\x7f]{1,64}@[^\s@\x00-\x2c/:-@\[-`{-\x7f]{1,190}")


def normalise_username(text: str) -> str:
    """Return the form of a username that is kept and compared. Raises Refused (`invalid`).

    Letters are of one alphabet, so that a Cyrillic letter cannot make a second "admin".
    """
    name = _fold(text)
    if not 1 <= len(name) <= MAX_USERNAME:
        raise Refused(ErrorCode.INVALID, f"a username has 1 to {MAX_USERNAME} characters")
    if not (name[0].isalnum() and name[-1].isalnum() and all(mark.isalnum() or mark in INNER for mark in name)):
        raise Refused(ErrorCode.INVALID, "a username has letters, digits, and . _ - + @ between them")
    if len(_alphabets(name)) > 1:
        raise Refused(ErrorCode.INVALID, "a username has letters of one alphabet")
    return name


def comparable(text: str) -> str:
    """Return the form in which a claimed username is looked up; never raises. What no name can hold becomes the empty one."""
    name = _fold(text[: 4 * MAX_USERNAME])
    return name if name.isprintable() else ""


def normalise_email(text: str) -> str:
    """Return the form of an e-mail address that is kept. Raises Refused (`invalid`); an empty one means none."""
    address = _fold(text)
    if address and (len(address) > MAX_EMAIL or not _EMAIL.fullmatch(address)):
        raise Refused(ErrorCode.INVALID, "not an e-mail address")
    return address


def _fold(text: str) -> str:
    for _ in range(3):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).casefold()).strip()
        if folded == text:
            break
        text = folded
    return text


def _alphabets(name: str) -> set[str]:
    found = {unicodedata.name(mark, "UNNAMED").partition(" ")[0] for mark in name if mark.isalpha()}
    return {"EAST ASIAN" if alphabet in EAST_ASIAN else alphabet for alphabet in found}
