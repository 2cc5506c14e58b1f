"""Meetings of accounts: make, list, see, enter, share and delete them. The gate knows how the caller stands to each."""

import os
from collections.abc import Callable

from aiohttp import web

from conclave.edge.account_gate import authority_of, path_id
from conclave.edge.account_links import AccountLinks
from conclave.edge.account_messages import (
    LinkView,
    MakeMeeting,
    MeetingList,
    MeetingView,
    ShareList,
    ShareMeeting,
    ShareView,
    ShareWith,
)
from conclave.edge.application import handles
from conclave.edge.json_bodies import json_response, no_content, read_json
from conclave.edge.sources import Allowance
from conclave.identity.invitations import Invitations
from conclave.identity.names import comparable
from conclave.model.accounts import Account, OwnedMeeting, Share, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role
from conclave.policy.limits import BucketSize
from conclave.ports.accounts import AccountStore, OwnedMeetingStore
from conclave.ports.audit import AuditEvent, AuditSink

MAX_SHARES = 500
NAMES_TRIED = BucketSize(burst=20, per_s=20 / 60)
"""Of usernames that one account shares with: enough for a team, too few to find out who has an account."""

DAY_S = 86_400
"""In which an account makes as many meetings as it may own: each that is deleted is remembered for thirty days."""


SendAway = Callable[[MeetingId, UserId, Role | None], None]
"""Ends the sessions of an account by its own link to a meeting, apart from those for a role that the one it keeps covers."""


class OwnedMeetings:
    """The handlers. `end` ends a meeting and closes its connections, `present` counts the people in it."""

    def __init__(
        self,
        meetings: OwnedMeetingStore,
        accounts: AccountStore,
        invitations: Invitations,
        links: AccountLinks,
        audit: AuditSink,
        wall: Callable[[], float],
        *,
        end: Callable[[MeetingId], None],
        present: Callable[[MeetingId], int | None],
        send_away: SendAway,
        monotonic: Callable[[], float],
        per_account: int,
        link_lifetime_s: int,
    ) -> None:
        self._meetings = meetings
        self._accounts = accounts
        self._invitations = invitations
        self._links = links
        self._audit = audit
        self._wall = wall
        self._end = end
        self._present = present
        self._send_away = send_away
        self._monotonic = monotonic
        self._names_tried = Allowance(NAMES_TRIED)
        self._made = Allowance(BucketSize(burst=2 * per_account, per_s=per_account / DAY_S))
        self._per_account = per_account
        self._link_lifetime_s = link_lifetime_s

    @handles("my_meetings")
    async def mine(self, request: web.Request) -> web.Response:
        """200 with `MeetingList`: those that are owned and those that are shared, the newest first."""
        account = authority_of(request).account
        views = [await self._view(meeting, account) for meeting in await self._meetings.of_user(account.user_id)]
        return json_response(MeetingList(views))

    @handles("make_meeting")
    async def make(self, request: web.Request) -> web.Response:
        """201 with `MeetingView`; the caller owns it."""
        account = authority_of(request).account
        wish = await read_json(request, MakeMeeting)
        if not self._made.take(account.user_id.encode(), self._monotonic()):
            raise Refused(ErrorCode.RATE_LIMITED, "too many meetings made today")
        meeting = OwnedMeeting(
            meeting_id=MeetingId(new_id(os.urandom)), owner_id=account.user_id, title=wish.title, created_at_s=self._wall()
        )
        self._record("meeting_scheduled", meeting.meeting_id, account.user_id)
        await self._meetings.add(meeting, self._per_account)
        return json_response(await self._view(meeting, account), 201)

    @handles("meeting")
    async def describe(self, request: web.Request) -> web.Response:
        """200 with `MeetingView`."""
        account = authority_of(request).account
        return json_response(await self._view(await self._target(request), account))

    @handles("delete_meeting")
    async def delete(self, request: web.Request) -> web.Response:
        """204; the meeting ends, every invitation to it is void, and the connections close."""
        meeting = await self._target(request)
        self._record("meeting_deleted", meeting.meeting_id, authority_of(request).account.user_id)
        self._invitations.revoke_meeting(meeting.meeting_id, self._wall())
        await self._meetings.delete(meeting.meeting_id)
        self._end(meeting.meeting_id)
        return no_content()

    @handles("meeting_link")
    async def link(self, request: web.Request) -> web.Response:
        """201 with a personal invitation: as host for the owner, in the role of the share for others."""
        authority = authority_of(request)
        meeting = await self._target(request)
        role = await self._links.role_of(meeting, authority.account.user_id)
        if role is None:
            raise Refused(ErrorCode.NOT_FOUND, "no such meeting")
        issued = self._invitations.issue(
            meeting.meeting_id, role, self._wall(), self._link_lifetime_s, seats=1, name=authority.account.username,
            account=authority.account,
        )  # fmt: skip
        self._record("invitation_created", meeting.meeting_id, authority.account.user_id, jti=issued.claims.jti, role=role.value)
        return json_response(LinkView(role, issued.token, issued.path, issued.claims.exp), 201)

    @handles("meeting_shares")
    async def shares(self, request: web.Request) -> web.Response:
        """200 with `ShareList`."""
        meeting = await self._target(request)
        found = await self._meetings.shares(meeting.meeting_id)
        return json_response(
            ShareList([ShareView(share.user_id, await self._name_of(share.user_id), share.role) for share in found])
        )

    @handles("share_meeting_with")
    async def share_with(self, request: web.Request) -> web.Response:
        """200 with `ShareView`; 404 for a username that nobody has. Sessions by the account's own link in a higher role end."""
        authority, wish = authority_of(request), await read_json(request, ShareWith)
        meeting = await self._target(request)
        if not self._names_tried.take(authority.account.user_id.encode(), self._monotonic()):
            raise Refused(ErrorCode.RATE_LIMITED, "too many accounts named in a short time")
        return await self._share(
            meeting, await self._accounts.by_username(comparable(wish.username)), wish.role, authority.account
        )

    @handles("share_meeting")
    async def share(self, request: web.Request) -> web.Response:
        """200 with `ShareView`. Sessions by the account's own link in a higher role end."""
        authority, wish = authority_of(request), await read_json(request, ShareMeeting)
        meeting, user_id = await self._target(request), UserId(path_id(request, "user_id"))
        return await self._share(meeting, await self._accounts.by_id(user_id), wish.role, authority.account)

    @handles("unshare_meeting")
    async def unshare(self, request: web.Request) -> web.Response:
        """204; whoever is in the meeting by its own link goes, and links that were made before are void."""
        authority = authority_of(request)
        meeting = await self._target(request)
        self._record("meeting_unshared", meeting.meeting_id, authority.account.user_id)
        user_id = UserId(path_id(request, "user_id"))
        await self._meetings.unshare(meeting.meeting_id, user_id)
        if user_id != meeting.owner_id:
            self._send_away(meeting.meeting_id, user_id, None)
        return no_content()

    async def _share(self, meeting: OwnedMeeting, other: Account | None, role: Role, by: Account) -> web.Response:
        if other is None:
            raise Refused(ErrorCode.NOT_FOUND, "no such account")
        if other.user_id == meeting.owner_id:
            raise Refused(ErrorCode.CONFLICT, "the meeting is the owner's already")
        self._record("meeting_shared", meeting.meeting_id, by.user_id, role=role.value)
        await self._meetings.share(Share(meeting.meeting_id, other.user_id, role), MAX_SHARES)
        self._send_away(meeting.meeting_id, other.user_id, role)
        return json_response(ShareView(other.user_id, other.username, role))

    async def _name_of(self, user_id: UserId) -> str:
        account = await self._accounts.by_id(user_id)
        return account.username if account is not None else ""

    def _record(self, kind: str, meeting_id: MeetingId, user_id: UserId, **details: str | int | bool) -> None:
        self._audit.record(AuditEvent(type=kind, meeting_id=meeting_id, details={"user_id": user_id, **details}))

    async def _target(self, request: web.Request) -> OwnedMeeting:
        meeting = await self._meetings.by_id(MeetingId(path_id(request, "meeting_id")))
        if meeting is None:
            raise Refused(ErrorCode.NOT_FOUND, "no such meeting")
        return meeting

    async def _view(self, meeting: OwnedMeeting, account: Account) -> MeetingView:
        owned = meeting.owner_id == account.user_id
        return MeetingView(
            meeting_id=meeting.meeting_id,
            title=meeting.title,
            owner_id=meeting.owner_id,
            owner=account.username if owned else await self._name_of(meeting.owner_id),
            owned=owned,
            role=await self._links.role_of(meeting, account.user_id),
            created_at_s=meeting.created_at_s,
            present=self._present(meeting.meeting_id),
        )
