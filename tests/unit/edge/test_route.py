from conclave.edge.route import Access
from conclave.edge.routes import ROUTES


def test_every_kind_of_access_is_used_by_some_route() -> None:
    assert {route.access for route in ROUTES.values()} == set(Access)
