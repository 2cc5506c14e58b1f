import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.identity.names import MAX_USERNAME, comparable, normalise_email, normalise_username
from conclave.model.errors import ErrorCode, Refused


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada", "ada"), (" ada ", "ada"), ("ＡＤＡ", "ada"), ("Straße", "strasse"), ("ada@Example.ORG", "ada@example.org"),
        ("e\u0301ve", "\u00e9ve"), ("\u0410\u0434\u0430", "\u0430\u0434\u0430"),
        ("田中たろう", "田中たろう"), ("a.b-c_d+1", "a.b-c_d+1"), ("ﬁne", "fine"),
    ],
)  # fmt: skip
def test_a_username_has_one_form(text: str, name: str) -> None:
    assert normalise_username(text) == name
    assert comparable(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a" * (MAX_USERNAME + 1),
        ".ada",
        "ada.",
        "a b",
        "a\0b",
        "a\u200bb",
        "a/b",
        "a<b",
        "a\u202eb",
        "\u0430dmin",
        "adm\u0456n",
    ],
)
def test_what_is_no_username_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        normalise_username(text)
    assert caught.value.code is ErrorCode.INVALID


@given(st.text(max_size=80))
def test_a_name_that_was_normalised_stays_as_it_is(text: str) -> None:
    try:
        name = normalise_username(text)
    except Refused:
        return
    assert normalise_username(name) == name
    assert comparable(text) == comparable(name) == name


@pytest.mark.parametrize("text", ["", "Ada@Example.org", "a.b+c@sub.example.co", "ada@bücher.example"])
def test_an_address_is_folded_and_may_be_absent(text: str) -> None:
    assert normalise_email(text) == text.casefold()


@pytest.mark.parametrize("text", ["ada", "@x", "a@", "a@b@c", "a b@c.d", "a@b\r\nBcc: c@d", "a@" + "b" * 300, "a@[::1]"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        normalise_email(text)
