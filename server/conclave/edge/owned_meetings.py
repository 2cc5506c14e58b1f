"""Meetings of accounts: make, list, see, enter, share and delete them. The gate knows how the caller stands to each."""

import os
from collections.abc import Callable

from aiohttp import web

from conclave.edge.account_gate import authority_of, path_id
from conclave.edge.account_messages import LinkView, MakeMeeting, MeetingList, MeetingView, ShareList, ShareMeeting, ShareView
from conclave.edge.application import handles
from conclave.edge.json_bodies import json_response, no_content, read_json
from conclave.identity.invitations import Invitations
from conclave.model.accounts import OwnedMeeting, Share, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role
from conclave.ports.accounts import OwnedMeetingStore
from conclave.ports.audit import AuditEvent, AuditSink

MAX_SHARES = 500


class OwnedMeetings:
    """The handlers. `end` ends a meeting that is open."""

    def __init__(
        self,
        meetings: OwnedMeetingStore,
        invitations: Invitations,
        audit: AuditSink,
        wall: Callable[[], float],
        end: Callable[[MeetingId], None],
        *,
        per_account: int,
        link_lifetime_s: int,
    ) -> None:
        self._meetings = meetings
        self._invitations = invitations
        self._audit = audit
        self._wall = wall
        self._end = end
        self._per_account = per_account
        self._link_lifetime_s = link_lifetime_s

    @handles("my_meetings")
    async def mine(self, request: web.Request) -> web.Response:
        """200 with `MeetingList`: those that are owned and those that are shared, the newest first."""
        account = authority_of(request).account
        views = [await self._view(meeting, account.user_id) for meeting in await self._meetings.of_user(account.user_id)]
        return json_response(MeetingList(views))

    @handles("make_meeting")
    async def make(self, request: web.Request) -> web.Response:
        """201 with `MeetingView`; the caller owns it."""
        account = authority_of(request).account
        wish = await read_json(request, MakeMeeting)
        meeting = OwnedMeeting(
            meeting_id=MeetingId(new_id(os.urandom)), owner_id=account.user_id, title=wish.title, created_at_s=self._wall()
        )
        self._record("meeting_scheduled", meeting.meeting_id, account.user_id)
        await self._meetings.add(meeting, self._per_account)
        return json_response(await self._view(meeting, account.user_id), 201)

    @handles("meeting")
    async def describe(self, request: web.Request) -> web.Response:
        """200 with `MeetingView`."""
        account = authority_of(request).account
        return json_response(await self._view(await self._target(request), account.user_id))

    @handles("delete_meeting")
    async def delete(self, request: web.Request) -> web.Response:
        """204; the meeting ends if it is open."""
        meeting = await self._target(request)
        self._record("meeting_deleted", meeting.meeting_id, authority_of(request).account.user_id)
        await self._meetings.delete(meeting.meeting_id)
        self._end(meeting.meeting_id)
        return no_content()

    @handles("meeting_link")
    async def link(self, request: web.Request) -> web.Response:
        """201 with a personal invitation: as host for the owner, in the role of the share for others."""
        authority = authority_of(request)
        meeting = await self._target(request)
        role = await self._role(meeting, authority.account.user_id)
        if role is None:
            raise Refused(ErrorCode.NOT_FOUND, "no such meeting")
        issued = self._invitations.issue(
            meeting.meeting_id, role, self._wall(), self._link_lifetime_s, seats=1, name=authority.account.username
        )
        self._record("invitation_created", meeting.meeting_id, authority.account.user_id, jti=issued.claims.jti, role=role.value)
        return json_response(LinkView(role, issued.token, issued.path, issued.claims.exp), 201)

    @handles("meeting_shares")
    async def shares(self, request: web.Request) -> web.Response:
        """200 with `ShareList`."""
        meeting = await self._target(request)
        found = await self._meetings.shares(meeting.meeting_id)
        return json_response(ShareList([ShareView(share.user_id, share.role) for share in found]))

    @handles("share_meeting")
    async def share(self, request: web.Request) -> web.Response:
        """200 with `ShareView`."""
        authority, wish = authority_of(request), await read_json(request, ShareMeeting)
        meeting, user_id = await self._target(request), UserId(path_id(request, "user_id"))
        self._check_share(meeting, user_id)
        self._record("meeting_shared", meeting.meeting_id, authority.account.user_id, role=wish.role.value)
        await self._meetings.share(Share(meeting.meeting_id, user_id, wish.role), MAX_SHARES)
        return json_response(ShareView(user_id, wish.role))

    @handles("unshare_meeting")
    async def unshare(self, request: web.Request) -> web.Response:
        """204. Links that were made before stay good until they expire; hosts can revoke them in the meeting."""
        authority = authority_of(request)
        meeting = await self._target(request)
        self._record("meeting_unshared", meeting.meeting_id, authority.account.user_id)
        await self._meetings.unshare(meeting.meeting_id, UserId(path_id(request, "user_id")))
        return no_content()

    def _check_share(self, meeting: OwnedMeeting, user_id: UserId) -> None:
        if user_id == meeting.owner_id:
            raise Refused(ErrorCode.CONFLICT, "the meeting is the owner's already")

    def _record(self, kind: str, meeting_id: MeetingId, user_id: UserId, **details: str | int | bool) -> None:
        self._audit.record(AuditEvent(type=kind, meeting_id=meeting_id, details={"user_id": user_id, **details}))

    async def _target(self, request: web.Request) -> OwnedMeeting:
        meeting = await self._meetings.by_id(MeetingId(path_id(request, "meeting_id")))
        if meeting is None:
            raise Refused(ErrorCode.NOT_FOUND, "no such meeting")
        return meeting

    async def _role(self, meeting: OwnedMeeting, user_id: UserId) -> Role | None:
        if meeting.owner_id == user_id:
            return Role.HOST
        share = await self._meetings.share_of(meeting.meeting_id, user_id)
        return share.role if share is not None else None

    async def _view(self, meeting: OwnedMeeting, user_id: UserId) -> MeetingView:
        return MeetingView(
            meeting_id=meeting.meeting_id,
            title=meeting.title,
            owner_id=meeting.owner_id,
            owned=meeting.owner_id == user_id,
            role=await self._role(meeting, user_id),
            created_at_s=meeting.created_at_s,
        )
