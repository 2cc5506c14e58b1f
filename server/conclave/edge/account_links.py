"""The own links of accounts to meetings that they own or share: what role they give, and whether one is still good.

A link is an invitation that lives for a day and more. So whoever comes by it is asked for anew: is the account active and of the
epoch that the link was made at, is the meeting still there, and does ownership or share still give that role?
"""

from conclave.identity.invitations import Claims
from conclave.model.accounts import OwnedMeeting, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.ports.accounts import AccountStore, OwnedMeetingStore


class AccountLinks:
    """Asks the stores."""

    def __init__(self, accounts: AccountStore, meetings: OwnedMeetingStore) -> None:
        self._accounts = accounts
        self._meetings = meetings

    async def role_of(self, meeting: OwnedMeeting, user_id: UserId) -> Role | None:
        """Return what an account is in a meeting, None when it has no part in it. Raises Unavailable."""
        if meeting.owner_id == user_id:
            return Role.HOST
        share = await self._meetings.share_of(meeting.meeting_id, user_id)
        return share.role if share is not None else None

    async def check(self, claims: Claims) -> None:
        """Raise Refused (`unauthorized`) for an own link that is not good any more, and Unavailable; others pass."""
        if claims.account is None:
            return
        user_id = UserId(claims.account)
        account = await self._accounts.by_id(user_id)
        meeting = await self._meetings.by_id(claims.meeting_id)
        if account is None or not account.active or account.epoch != claims.epoch or meeting is None:
            raise _revoked()
        if await self.role_of(meeting, user_id) is not claims.role:
            raise _revoked()


def _revoked() -> Refused:
    return Refused(ErrorCode.UNAUTHORIZED, "the invitation was revoked")
