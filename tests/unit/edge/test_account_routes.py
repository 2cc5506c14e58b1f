import msgspec
import pytest

from conclave.edge.account_routes import ACCOUNT_ROUTES
from conclave.edge.route import Access
from conclave.edge.routes import ROUTES, check_declarations
from conclave.model.accounts import SystemPermission


def test_every_route_for_accounts_has_a_system_rule_and_no_other_has_one() -> None:
    check_declarations(ROUTES)
    for route in ROUTES.values():
        assert (route.access is Access.ACCOUNT) is (route.system is not None)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("me", {"system": None}),
        ("login", {"access": Access.ACCOUNT}),
        ("meeting", {"path": "/x"}),
        ("me", {"path": "/{meeting_id}"}),
    ],
)
def test_a_route_without_its_rule_stops_the_import(name: str, change: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=f"route '{name}'"):
        check_declarations({name: msgspec.structs.replace(ACCOUNT_ROUTES[name], **change)})


def test_whatever_is_done_to_users_needs_an_administrator() -> None:
    for name, route in ACCOUNT_ROUTES.items():
        if route.path.startswith(("/api/v1/users", "/api/v1/registrations")):
            assert route.system is not None, name
            assert route.system.permission is SystemPermission.ADMIN


def test_reading_and_deleting_take_no_body() -> None:
    for route in ACCOUNT_ROUTES.values():
        assert (route.body_bytes == 0) is (route.methods[0] in ("GET", "DELETE"))
