"""Every HTTP route, declared once, with its rule (law 2). A handler without an entry here cannot be registered."""

from conclave.edge.account_routes import ACCOUNT_ROUTES
from conclave.edge.route import Access, Route
from conclave.model.roles import Permission
from conclave.policy.rules import Phase, RateClass, Rule, Scope

__all__ = ["ROUTES", "Access", "Route", "check_declarations"]


_NEW = frozenset({Phase.NEW})
_JOINED = frozenset({Phase.JOINED})
_USE = Rule(Permission.SESSION_USE, _NEW, Scope.NONE, RateClass.CONTROL)
_PUBLISH = Rule(Permission.MEDIA_PUBLISH, _JOINED, Scope.MEETING, RateClass.NEGOTIATION)
_RECEIVE = Rule(Permission.MEDIA_RECEIVE, _JOINED, Scope.MEETING, RateClass.NEGOTIATION)
_ATTEND = Rule(Permission.MEETING_ATTEND, _JOINED, Scope.MEETING, RateClass.CONTROL)

_DOWNLOAD = Rule(Permission.RECORDING_DOWNLOAD, _NEW, Scope.MEETING, RateClass.CONTROL)

SDP_BYTES = 60_000

ROUTES: dict[str, Route] = {
    "signaling": Route("/api/v1/signaling", ("GET",), Access.HANDSHAKE, _USE),
    "open_meeting": Route(
        "/api/v1/meetings", ("POST",), Access.CREATION,
        Rule(Permission.MEETING_CREATE, _NEW, Scope.NONE, RateClass.CONTROL), 4_096,
    ),
    "whip_options": Route("/whip/{meeting_id}", ("OPTIONS",), Access.PUBLIC, _USE),
    "whip_publish": Route("/whip/{meeting_id}", ("POST",), Access.INVITATION, _PUBLISH, SDP_BYTES),
    "whip_delete": Route("/whip/{meeting_id}/{resource_id}", ("DELETE",), Access.RESOURCE, _ATTEND),
    "whip_patch": Route("/whip/{meeting_id}/{resource_id}", ("PATCH",), Access.RESOURCE, _PUBLISH, SDP_BYTES),
    "whip_resource_options": Route("/whip/{meeting_id}/{resource_id}", ("OPTIONS",), Access.PUBLIC, _USE),
    "whep_options": Route("/whep/{meeting_id}", ("OPTIONS",), Access.PUBLIC, _USE),
    "whep_play": Route("/whep/{meeting_id}", ("POST",), Access.INVITATION, _RECEIVE, SDP_BYTES),
    "whep_delete": Route("/whep/{meeting_id}/{resource_id}", ("DELETE",), Access.RESOURCE, _ATTEND),
    "whep_patch": Route("/whep/{meeting_id}/{resource_id}", ("PATCH",), Access.RESOURCE, _RECEIVE, SDP_BYTES),
    "whep_resource_options": Route("/whep/{meeting_id}/{resource_id}", ("OPTIONS",), Access.PUBLIC, _USE),
    "recording": Route("/api/v1/recordings/{recording_id}", ("GET",), Access.RECORDING, _DOWNLOAD),
    "recording_file": Route("/api/v1/recordings/{recording_id}/{name}", ("GET",), Access.RECORDING, _DOWNLOAD),
    **ACCOUNT_ROUTES,
    "healthz": Route("/healthz", ("GET", "HEAD"), Access.PUBLIC, _USE),
    "readyz": Route("/readyz", ("GET", "HEAD"), Access.PUBLIC, _USE),
    "metrics": Route("/metrics", ("GET",), Access.OPERATOR, _USE),
    "client": Route("/{path:.*}", ("GET", "HEAD"), Access.PUBLIC, _USE),
}  # fmt: skip
"""By name of the handler; order matters only for the last, which catches what is left."""


def check_declarations(routes: dict[str, Route]) -> None:
    """Raise TypeError when a route of accounts lacks its system rule, another has one, or a resource has no id in the path."""
    for name, route in routes.items():
        if (route.access is Access.ACCOUNT) is not (route.system is not None):
            raise TypeError(f"route {name!r} must have a system rule exactly when accounts use it")
        if route.system is not None and (route.system.resource is not None) is not ("{meeting_id}" in route.path):
            raise TypeError(f"route {name!r} must have a resource rule exactly when its path names a resource")


check_declarations(ROUTES)
