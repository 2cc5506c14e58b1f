"""Invitations that an owner makes to a meeting, whether it is open or not: make, list and revoke them.

The meeting itself keeps them, so that hosts in it see the same list.
"""

from collections.abc import Callable

from aiohttp import web

from conclave.edge.account_gate import authority_of, path_id
from conclave.edge.account_messages import MadeInvitation, MakeInvitation, RevokeInvitation
from conclave.edge.application import handles
from conclave.edge.json_bodies import json_response, no_content, read_json
from conclave.hub.hub import Hub
from conclave.identity.invitations import Invitations
from conclave.meeting import inviting
from conclave.meeting.context import Context
from conclave.meeting.names import clean_name
from conclave.meeting.state import KnownInvitation
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId
from conclave.ports.accounts import OwnedMeetingStore
from conclave.ports.audit import AuditEvent, AuditSink
from conclave.signaling.messages import Empty


class MeetingInvitations:
    """The handlers. The gate has seen to it that an owner asks; listing and revoking are an administrator's as well."""

    def __init__(
        self,
        meetings: OwnedMeetingStore,
        invitations: Invitations,
        hub: Hub,
        audit: AuditSink,
        wall: Callable[[], float],
    ) -> None:
        self._meetings = meetings
        self._invitations = invitations
        self._hub = hub
        self._audit = audit
        self._wall = wall

    @handles("meeting_invitations")
    async def list_all(self, request: web.Request) -> web.Response:
        """200 with `InvitationDescriptions`, without any token."""
        meeting_id = await self._target(request)
        return json_response(await self._hub.ask(meeting_id, lambda context, _now: inviting.describe_all(context)))

    @handles("make_invitation")
    async def make(self, request: web.Request) -> web.Response:
        """201 with `MadeInvitation`."""
        wish = await read_json(request, MakeInvitation)
        meeting_id = await self._target(request)
        label = clean_name(wish.label) if wish.label.strip() else ""
        seats = 0 if wish.shared else 1
        issued = self._invitations.issue(
            meeting_id, wish.role, self._wall(), wish.expires_in_s, seats=seats, uses=wish.uses,
            name=label if label and not wish.shared else None,
        )  # fmt: skip
        claims = issued.claims

        def adopt(context: Context, _now: float) -> MadeInvitation:
            inviting.check_room(context)
            self._record(
                "invitation_created", request, meeting_id, jti=claims.jti, role=wish.role.value, exp=claims.exp, seats=seats
            )
            inviting.adopt(context, KnownInvitation(claims=claims, label=label))
            return MadeInvitation(claims.jti, issued.token, issued.path, claims.exp)

        return json_response(await self._hub.ask(meeting_id, adopt), 201)

    @handles("revoke_invitation")
    async def revoke(self, request: web.Request) -> web.Response:
        """204; 404 for one that is not to this meeting."""
        wish = await read_json(request, RevokeInvitation)
        meeting_id, jti = await self._target(request), path_id(request, "jti")

        def withdraw(context: Context, now: float) -> Empty:
            known = inviting.find(context, jti)
            self._record("invitation_revoked", request, meeting_id, jti=jti, remove=wish.remove)
            inviting.withdraw(context, known, now, remove=wish.remove)
            return Empty()

        await self._hub.ask(meeting_id, withdraw)
        return no_content()

    async def _target(self, request: web.Request) -> MeetingId:
        meeting_id = MeetingId(path_id(request, "meeting_id"))
        if await self._meetings.by_id(meeting_id) is None:
            raise Refused(ErrorCode.NOT_FOUND, "no such meeting")
        return meeting_id

    def _record(self, kind: str, request: web.Request, meeting_id: MeetingId, **details: str | int | bool) -> None:
        by: dict[str, str | int | bool] = {"user_id": authority_of(request).account.user_id}
        self._audit.record(AuditEvent(type=kind, meeting_id=meeting_id, details=by | details))
