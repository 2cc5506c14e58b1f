"""The matrix of HTTP route, system role and resource: its text form and how it is computed."""

from collections.abc import Mapping
from pathlib import Path

from tests.support.accounts import an_account

from conclave.edge.routes import ROUTES, Access, Route
from conclave.model.accounts import Relation, SystemRole
from conclave.model.errors import Refused
from conclave.policy.system_rbac import check

GOLDEN = Path(__file__).parent.parent / "golden" / "route_role.txt"

SUBJECTS = ("anonymous", "viewer", "user", "service", "admin", "inactive")
RELATIONS = {"own": Relation.OWNER, "shared": Relation.SHARED, "foreign": Relation.NONE}
NO_RESOURCE = "-"

Cell = tuple[str, str, str]
"""Route, resource ("-" where there is none), subject."""

HEADER = (
    "# What becomes of a request, by route, by how the resource in its path stands to the caller, and by who calls: ok, or the\n"
    "# refusal. Routes of other doors (public, credentials, invitation ...) do not look at accounts: their access is named.\n"
    "# An inactive account has no credential that is good.\n"
)


def resources(route: Route) -> tuple[str, ...]:
    """Return the resources that make a difference for a route."""
    return tuple(RELATIONS) if route.system is not None and route.system.resource is not None else (NO_RESOURCE,)


def outcome(route: Route, resource: str, subject: str) -> str:
    """Return what the rules say."""
    if route.system is None:
        return route.access.value
    if subject in ("anonymous", "inactive"):
        return "unauthenticated"
    try:
        check(an_account(role=SystemRole(subject)), route.system, RELATIONS.get(resource, Relation.OWNER))
    except Refused as refusal:
        return refusal.code.value
    return "ok"


def compute() -> dict[Cell, str]:
    return {
        (name, resource, subject): outcome(route, resource, subject)
        for name, route in ROUTES.items()
        for resource in resources(route)
        for subject in SUBJECTS
    }


def render(matrix: Mapping[Cell, str]) -> str:
    """Return the text of the golden file."""
    rows = [["route", "resource", *SUBJECTS]]
    for name, route in ROUTES.items():
        for resource in resources(route):
            label = f"{','.join(route.methods)} {route.path}"
            rows.append([f"{name}: {label}", resource, *(matrix[name, resource, subject] for subject in SUBJECTS)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return HEADER + "\n".join(lines) + "\n"


def guarded() -> list[tuple[str, str]]:
    """Return the routes for accounts with their resources."""
    return [(name, resource) for name, route in ROUTES.items() if route.access is Access.ACCOUNT for resource in resources(route)]


def other_doors() -> list[str]:
    """Return the routes that an account does not open."""
    doors = (Access.HANDSHAKE, Access.CREATION, Access.INVITATION, Access.RESOURCE, Access.RECORDING)
    return [name for name, route in ROUTES.items() if route.access in doors]
