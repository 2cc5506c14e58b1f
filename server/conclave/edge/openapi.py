"""The OpenAPI 3.1 document of the HTTP API, out of the table of routes and the structs of the bodies."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from conclave import __version__
from conclave.edge import account_messages as m
from conclave.edge.meetings import OpenedMeeting, OpenMeeting
from conclave.edge.route import Access, Route
from conclave.edge.routes import ROUTES
from conclave.ports.recorder import RecordingContents
from conclave.signaling.messages import InvitationDescriptions

PREFIXES = ("/api/", "/.well-known/")
WITHOUT = frozenset({"signaling"})
"""Described by the AsyncAPI document."""

REF = "#/components/schemas/{name}"


class Exchange(Struct, frozen=True):
    """What a route takes and gives. `taken` may be absent where `optional`; None gives nothing, bytes a file."""

    summary: str
    status: int
    given: type | None = None
    taken: type | None = None
    optional: bool = False


class ProblemDetails(Struct, frozen=True):
    """RFC 9457. `code` is stable; `incident` names a fault of the server's."""

    type: str
    status: int
    code: str
    detail: str
    incident: str | None = None


EXCHANGES: dict[str, Exchange] = {
    "open_meeting": Exchange("Make a meeting without an owner", 201, OpenedMeeting, OpenMeeting, True),
    "recording": Exchange("What was recorded", 200, RecordingContents),
    "recording_file": Exchange("A file of a recording", 200, bytes),
    "jwks": Exchange("Public keys of access tokens", 200, dict),
    "openapi": Exchange("This document", 200, dict),
    "about": Exchange("What this server offers to those who are not signed in", 200, m.AboutView),
    "register": Exchange("Make an account", 201, m.UserView, m.Register),
    "login": Exchange("Log in", 200, m.SignedIn, m.LogIn),
    "refresh": Exchange("Exchange a refresh token", 200, m.SignedIn, m.Refresh),
    "session": Exchange("Who is signed in", 200, m.SessionView),
    "access_token": Exchange("An access token for a browser session", 200, m.AccessTokenView),
    "logout": Exchange("Log out", 204),
    "logout_all": Exchange("Log out everywhere", 204),
    "revoke_token": Exchange("Revoke a token", 204, None, m.RevokeToken),
    "change_password": Exchange("Change the password; all other sign-ins end", 200, m.SignedIn, m.ChangePassword),
    "me": Exchange("One's own account", 200, m.UserView),
    "my_sign_ins": Exchange("Where one is signed in", 200, m.SignInList),
    "end_my_sign_in": Exchange("End a sign-in", 204),
    "my_meetings": Exchange("Meetings that one owns or that are shared with one", 200, m.MeetingList),
    "make_meeting": Exchange("Make a meeting of one's own", 201, m.MeetingView, m.MakeMeeting),
    "meeting": Exchange("A meeting", 200, m.MeetingView),
    "delete_meeting": Exchange("Delete a meeting; it ends if it is open", 204),
    "meeting_link": Exchange("A personal invitation for oneself", 201, m.LinkView),
    "meeting_shares": Exchange("With whom a meeting is shared", 200, m.ShareList),
    "share_meeting_with": Exchange("Share a meeting with an account by its username", 200, m.ShareView, m.ShareWith),
    "share_meeting": Exchange("Share a meeting", 200, m.ShareView, m.ShareMeeting),
    "unshare_meeting": Exchange("Take a share back", 204),
    "meeting_invitations": Exchange("Invitations to a meeting that have not expired", 200, InvitationDescriptions),
    "make_invitation": Exchange("Invite somebody to a meeting", 201, m.MadeInvitation, m.MakeInvitation),
    "revoke_invitation": Exchange("Refuse an invitation from now on", 204, None, m.RevokeInvitation),
    "users": Exchange("Accounts, in pages", 200, m.UserList),
    "user": Exchange("An account", 200, m.UserView),
    "change_user": Exchange("Change role, grants or activity", 200, m.UserView, m.ChangeUser),
    "revoke_user": Exchange("End all sign-ins of an account", 204),
    "invite_user": Exchange("A registration token", 201, m.RegistrationView, m.InviteUser),
}

PROBLEMS: dict[Access, tuple[int, ...]] = {
    Access.PUBLIC: (413,),
    Access.CREATION: (400, 401, 403, 413, 415, 429, 503),
    Access.CREDENTIALS: (400, 401, 403, 409, 413, 415, 429, 503),
    Access.ACCOUNT: (400, 401, 403, 404, 409, 413, 415, 429, 503),
    Access.RECORDING: (401, 403, 404, 413, 503),
}
SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.CREATION: [{}, {"serviceToken": []}],
    Access.ACCOUNT: [{"accessToken": []}, {"session": [], "csrf": []}],
    Access.RECORDING: [{"invitation": []}],
}
SCHEMES: dict[str, dict[str, str]] = {
    "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-conclave"},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "Beside the cookie, unless GET."},
    "invitation": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "To the recorded meeting."},
    "serviceToken": {"type": "http", "scheme": "bearer"},
}
QUERIES: dict[str, list[dict[str, Any]]] = {
    "users": [
        {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "The username that the page follows."},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 100}},
    ]
}


def describe() -> dict[str, Any]:
    """Return the document. Raises KeyError when a route of the API has no exchange."""
    kinds = {kind for exchange in EXCHANGES.values() for kind in (exchange.given, exchange.taken)} | {ProblemDetails}
    structs = sorted(
        (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Struct)), key=lambda kind: kind.__name__
    )
    _, components = msgspec.json.schema_components(structs, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for name, route in ROUTES.items():
        if route.path.startswith(PREFIXES) and name not in WITHOUT:
            for method in route.methods:
                if method != "HEAD":
                    paths.setdefault(route.path, {})[method.lower()] = _operation(name, route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Conclave", "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": dict(sorted(components.items())), "securitySchemes": SCHEMES},
    }


def _operation(name: str, route: Route) -> dict[str, Any]:
    exchange = EXCHANGES[name]
    parameters = [
        {"name": found, "in": "path", "required": True, "schema": {"type": "string"}}
        for found in re.findall(r"\{(\w+)\}", route.path)
    ]
    operation: dict[str, Any] = {"operationId": name, "summary": exchange.summary}
    if route.system is not None:
        operation["description"] = f"Needs the permission `{route.system.permission}`."
    if parameters or name in QUERIES:
        operation["parameters"] = parameters + QUERIES.get(name, [])
    if exchange.taken is not None:
        operation["requestBody"] = {"required": not exchange.optional, "content": _content(exchange.taken)}
    responses: dict[str, Any] = {str(exchange.status): {"description": exchange.summary}}
    if exchange.given is not None:
        responses[str(exchange.status)]["content"] = _content(exchange.given)
    for status in PROBLEMS[route.access]:
        responses[str(status)] = {"description": "Refused", "content": {"application/problem+json": _schema(ProblemDetails)}}
    operation["responses"] = responses
    if route.access in SECURITY:
        operation["security"] = SECURITY[route.access]
    return operation


def _content(kind: type) -> dict[str, Any]:
    if kind is bytes:
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": _schema(kind)}


def _schema(kind: type) -> dict[str, Any]:
    return {"schema": {"type": "object"} if kind is dict else {"$ref": REF.format(name=kind.__name__)}}
