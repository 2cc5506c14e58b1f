"""Names that people give themselves and their meetings, made safe to show."""

from unicodedata import category, normalize

from conclave.model.errors import ErrorCode, Refused

MAX_TITLE = 200
"""Characters in the title of a meeting or a breakout room."""

_REMOVED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u180b\u180c\u180d\u180e\u180f")


def clean_name(text: str, max_characters: int = 64) -> str:
    """Return `text` in NFC without control, bidirectional, zero-width and blank characters, spaces collapsed.

    Raises Refused (`invalid`) when nothing visible is left, and (`too_large`) when more than `max_characters` are.
    """
    spaced = "".join(" " if character.isspace() else character for character in normalize("NFC", text))
    visible = "".join(character for character in spaced if category(character) not in _REMOVED and character not in _BLANK)
    name = normalize("NFC", " ".join(visible.split()))
    if not any(category(character)[0] in "LNPS" for character in name):
        raise Refused(ErrorCode.INVALID, "a name needs a visible character")
    if len(name) > max_characters:
        raise Refused(ErrorCode.TOO_LARGE, f"a name has at most {max_characters} characters")
    return name
