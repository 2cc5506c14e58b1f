from conclave.edge.routes import ROUTES, Access
from conclave.policy.rules import Rule


def test_every_route_carries_a_rule_like_a_message() -> None:
    for route in ROUTES.values():
        assert isinstance(route.rule, Rule)
        assert route.methods


def test_no_two_routes_share_a_path_and_a_method() -> None:
    pairs = [(route.path, method) for route in ROUTES.values() for method in route.methods]
    assert len(pairs) == len(set(pairs))


def test_only_harmless_methods_are_public() -> None:
    for route in ROUTES.values():
        if route.access is Access.PUBLIC:
            assert set(route.methods) <= {"GET", "HEAD", "OPTIONS"}
            assert route.body_bytes == 0


def test_the_route_that_catches_what_is_left_comes_last() -> None:
    assert list(ROUTES)[-1] == "client"
