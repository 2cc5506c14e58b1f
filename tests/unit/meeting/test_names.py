from unicodedata import category, is_normalized

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.meeting.names import clean_name
from conclave.model.errors import ErrorCode, Refused


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("  Ada\t\n Lovelace ", "Ada Lovelace"),
        ("Zoe\u0308", "Zoë"),
        ("A\u200bd\u200da\ufeff", "Ada"),
        ("\u202eada\u2066", "ada"),
        ("Ada\x00\x1b[31m", "Ada[31m"),
        ("O'Brien <script>", "O'Brien <script>"),
        ("李小龙", "李小龙"),
        ("محمد", "محمد"),
        ("👩\u200d💻", "👩💻"),
        ("a\u00a0b", "a b"),
    ],
)
def test_a_name_is_shown_without_what_cannot_be_seen(given_name: str, shown: str) -> None:
    assert clean_name(given_name) == shown


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u202e\u202c", "\u3164", "\u2800", "\u0301", "\x00\x01", "\u115f \u1160"])
def test_a_name_without_a_visible_character_is_refused(name: str) -> None:
    with pytest.raises(Refused) as caught:
        clean_name(name)
    assert caught.value.code is ErrorCode.INVALID


def test_a_name_is_measured_after_normalisation() -> None:
    assert len(clean_name("e\u0301" * 64)) == 64
    with pytest.raises(Refused) as caught:
        clean_name("\u0344" + "a" * 63)
    assert caught.value.code is ErrorCode.TOO_LARGE


@given(st.text(max_size=200))
def test_a_name_that_passes_is_clean_and_stays_as_it_is(text: str) -> None:
    try:
        name = clean_name(text, 1000)
    except Refused:
        return
    assert is_normalized("NFC", name)
    assert not {category(character) for character in name} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert name == name.strip()
    assert clean_name(name, 1000) == name
