"""POST /api/v1/meetings: invitations to a new meeting. The meeting itself opens when its host says `meeting.create`."""

import os
from collections.abc import Callable
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from conclave.config.settings import Settings
from conclave.edge.application import check_service_token, handles, read_body
from conclave.edge.headers import check_origin
from conclave.edge.problem import Problem, unauthenticated
from conclave.edge.sources import Sources
from conclave.identity.invitations import Invitations
from conclave.model.errors import ErrorCode
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role
from conclave.ports.audit import AuditEvent, AuditSink


class OpenMeeting(Struct, frozen=True, forbid_unknown_fields=True):
    """The request's body, optional."""

    expires_in_s: Annotated[int, Meta(ge=60, le=30 * 86_400)] | None = None


class Link(Struct, frozen=True):
    """`token` for Authorization headers; `path` for people, with the token in the fragment."""

    role: Role
    token: str
    path: str
    expires_at_s: int


class OpenedMeeting(Struct, frozen=True):
    meeting_id: str
    invitations: list[Link]


class Meetings:
    """Makes meeting ids and their first invitations."""

    def __init__(
        self, settings: Settings, sources: Sources, invitations: Invitations, audit: AuditSink, wall: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._invitations = invitations
        self._audit = audit
        self._wall = wall

    @handles("open_meeting")
    async def open(self, request: web.Request) -> web.Response:
        """201 with the meeting's id and a link each for a host and for participants."""
        check_origin(request.headers.get("Origin"), request.host, self._settings.security.allowed_origins)
        self._sources.create_meeting(self._sources.identify(request.remote))
        self._authorise(request)
        wish = await self._wish(request)
        lifetime_s = wish.expires_in_s or self._settings.meetings.invitation_lifetime_s
        meeting_id = MeetingId(new_id(os.urandom))
        self._audit.record(AuditEvent(type="meeting_invitations_made", meeting_id=meeting_id))
        links = [self._link(meeting_id, role, lifetime_s) for role in (Role.HOST, Role.PARTICIPANT)]
        return web.Response(
            status=201, body=msgspec.json.encode(OpenedMeeting(meeting_id, links)), content_type="application/json"
        )

    def _authorise(self, request: web.Request) -> None:
        if self._settings.meetings.open_creation:
            return
        if not self._settings.security.service_token:
            raise unauthenticated("this server lets nobody open meetings over HTTP")
        check_service_token(request, self._settings.security.service_token)

    async def _wish(self, request: web.Request) -> OpenMeeting:
        if not request.can_read_body:
            return OpenMeeting()
        try:
            return msgspec.json.decode(await read_body(request, "application/json"), type=OpenMeeting)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Problem(400, ErrorCode.INVALID, str(error)[:200]) from None

    def _link(self, meeting_id: MeetingId, role: Role, lifetime_s: int) -> Link:
        issued = self._invitations.issue(meeting_id, role, self._wall(), lifetime_s)
        return Link(role, issued.token, issued.path, issued.claims.exp)
