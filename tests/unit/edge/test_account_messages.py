import msgspec
import pytest
from msgspec import Struct
from tests.support.accounts import an_account

from conclave.edge import account_messages
from conclave.edge.account_messages import Body, LogIn, MakeMeeting, UserView
from conclave.model.accounts import SystemPermission

BODIES = [
    kind for kind in vars(account_messages).values() if isinstance(kind, type) and issubclass(kind, Body) and kind is not Body
]
SECRET = ("token", "password", "secret")


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_with_a_field_that_nobody_knows_is_refused(kind: type[Struct]) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"is_admin": True}, kind)


def test_a_view_of_an_account_never_holds_its_hash() -> None:
    account = an_account(grants=frozenset({SystemPermission.DELETE}))
    encoded = msgspec.json.encode(UserView.of(account)).decode()
    assert account.password_hash not in encoded
    assert "epoch" not in encoded
    assert UserView.of(account).permissions == sorted(["read", "write", "upload", "process", "delete"])


def test_what_carries_a_token_never_prints_it() -> None:
    for name, kind in vars(account_messages).items():
        if isinstance(kind, type) and issubclass(kind, Struct) and not issubclass(kind, Body):
            fields = {field.name for field in msgspec.structs.fields(kind)}
            if any(word in field for field in fields for word in ("_token", "token")) and name != "SessionView":
                assert "__repr__" in vars(kind), name


def test_a_body_prints_none_of_its_fields() -> None:
    assert repr(LogIn(username="ada", password="grey otter")) == "LogIn()"


@pytest.mark.parametrize("title", ["", "a\n", "a\nb", "\x7f", "\x9b1m", "x" * 201])
def test_a_title_is_one_line_without_control_characters(title: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"title": title}, MakeMeeting)


def test_a_title_may_be_of_any_script() -> None:
    assert msgspec.convert({"title": "Wöchentlich 会議 🦊"}, MakeMeeting).title == "Wöchentlich 会議 🦊"
