"""ports.accounts.OwnedMeetingStore in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, Table, delete, func, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from conclave.model.accounts import OwnedMeeting, Relation, Share, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId
from conclave.model.roles import Role
from conclave.store.database import Database
from conclave.store.schema import ACCOUNTS, MEETINGS, SHARES
from conclave.store.upsert import put


class SqlOwnedMeetings:
    """Meetings of accounts and with whom they are shared."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, meeting: OwnedMeeting, limit: int) -> None:
        async with self._database.writing() as connection:
            await _lock(connection, ACCOUNTS.c.user_id == meeting.owner_id, ACCOUNTS)
            if await _count(connection, MEETINGS, MEETINGS.c.owner_id == meeting.owner_id) >= limit:
                raise Refused(ErrorCode.CONFLICT, f"an account owns at most {limit} meetings; delete some")
            values = {column.name: getattr(meeting, column.name) for column in MEETINGS.columns}
            await connection.execute(insert(MEETINGS).values(values))

    async def by_id(self, meeting_id: MeetingId) -> OwnedMeeting | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(MEETINGS).where(MEETINGS.c.meeting_id == meeting_id))).first()
            return _meeting(row) if row is not None else None

    async def relation(self, meeting_id: MeetingId, user_id: UserId) -> Relation:
        meeting = await self.by_id(meeting_id)
        if meeting is not None and meeting.owner_id == user_id:
            return Relation.OWNER
        return Relation.NONE if await self.share_of(meeting_id, user_id) is None else Relation.SHARED

    async def of_user(self, user_id: UserId) -> Sequence[OwnedMeeting]:
        shared = select(SHARES.c.meeting_id).where(SHARES.c.user_id == user_id)
        query = select(MEETINGS).where(or_(MEETINGS.c.owner_id == user_id, MEETINGS.c.meeting_id.in_(shared)))
        async with self._database.reading() as connection:
            ordered = query.order_by(MEETINGS.c.created_at_s.desc(), MEETINGS.c.meeting_id)
            return [_meeting(row) for row in await connection.execute(ordered)]

    async def delete(self, meeting_id: MeetingId) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(MEETINGS).where(MEETINGS.c.meeting_id == meeting_id))

    async def share(self, share: Share, limit: int) -> None:
        values = {"meeting_id": share.meeting_id, "user_id": share.user_id, "role": share.role.value}
        try:
            async with self._database.writing() as connection:
                await _lock(connection, MEETINGS.c.meeting_id == share.meeting_id, MEETINGS)
                others = (SHARES.c.meeting_id == share.meeting_id) & (SHARES.c.user_id != share.user_id)
                if await _count(connection, SHARES, others) >= limit:
                    raise Refused(ErrorCode.CONFLICT, f"a meeting is shared with at most {limit} accounts")
                await put(connection, SHARES, values)
        except IntegrityError:
            raise Refused(ErrorCode.NOT_FOUND, "no such account or meeting") from None

    async def unshare(self, meeting_id: MeetingId, user_id: UserId) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(SHARES).where(_share(meeting_id, user_id)))

    async def share_of(self, meeting_id: MeetingId, user_id: UserId) -> Share | None:
        found = await self._shares(select(SHARES).where(_share(meeting_id, user_id)))
        return found[0] if found else None

    async def shares(self, meeting_id: MeetingId) -> Sequence[Share]:
        return await self._shares(select(SHARES).where(SHARES.c.meeting_id == meeting_id).order_by(SHARES.c.user_id))

    async def _shares(self, query: Select[Any]) -> list[Share]:
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            return [Share(MeetingId(row.meeting_id), UserId(row.user_id), Role(row.role)) for row in rows]


async def _lock(connection: AsyncConnection, condition: Any, table: Table) -> None:
    """Hold the row that a limit is counted for, so that two transactions do not both see the last free place."""
    await connection.execute(select(table).where(condition).with_for_update())


async def _count(connection: AsyncConnection, table: Table, condition: Any) -> int:
    return int((await connection.execute(select(func.count()).select_from(table).where(condition))).scalar_one())


def _share(meeting_id: MeetingId, user_id: UserId) -> Any:
    return (SHARES.c.meeting_id == meeting_id) & (SHARES.c.user_id == user_id)


def _meeting(row: Row[Any]) -> OwnedMeeting:
    return OwnedMeeting(
        meeting_id=MeetingId(row.meeting_id),
        owner_id=UserId(row.owner_id),
        title=row.title,
        created_at_s=row.created_at_s,
    )
