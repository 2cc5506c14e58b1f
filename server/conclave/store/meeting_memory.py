"""ports.meeting_memory.MeetingMemory in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, case, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from conclave.model.entry import Ban, Demotion, Fact, InvitationRecord, Remembered
from conclave.model.ids import MeetingId
from conclave.model.roles import Role
from conclave.store.database import Database
from conclave.store.schema import BANS, DEMOTIONS, INVITATIONS
from conclave.store.upsert import insert_for

MAX_BANS_PER_MEETING = 1_000
MAX_DEMOTIONS_PER_MEETING = 1_000
MAX_INVITATIONS_PER_MEETING = 10_000


class SqlMeetingMemory:
    """Bans and demotions without the network, and invitations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recall(self, meeting_id: MeetingId, now_s: float) -> Remembered:
        bans = select(BANS).where((BANS.c.meeting_id == meeting_id) & (BANS.c.until_s > now_s))
        latest_bans = bans.order_by(BANS.c.until_s.desc(), BANS.c.jti, BANS.c.device_id).limit(MAX_BANS_PER_MEETING)
        query = _invitations(meeting_id, now_s).limit(MAX_INVITATIONS_PER_MEETING)
        valid = (DEMOTIONS.c.meeting_id == meeting_id) & (DEMOTIONS.c.until_s > now_s)
        latest = select(DEMOTIONS).where(valid).order_by(DEMOTIONS.c.until_s.desc(), DEMOTIONS.c.jti, DEMOTIONS.c.device_id)
        latest_demotions = latest.limit(MAX_DEMOTIONS_PER_MEETING)
        async with self._database.reading() as connection:
            found = [_ban(row) for row in await connection.execute(latest_bans)]
            invitations = [_invitation(row) for row in await connection.execute(query)]
            demotions = [_demotion(row) for row in await connection.execute(latest_demotions)]
        return Remembered(tuple(reversed(found)), tuple(invitations), tuple(reversed(demotions)))

    async def keep(self, meeting_id: MeetingId, facts: Sequence[Fact]) -> None:
        async with self._database.writing() as connection:
            for fact in facts:
                if isinstance(fact, Ban):
                    await _put_ban(connection, meeting_id, fact)
                elif isinstance(fact, Demotion):
                    await _put_demotion(connection, meeting_id, fact)
                else:
                    await _put_invitation(connection, meeting_id, fact)

    async def forget_expired(self, now_s: float) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(BANS).where(BANS.c.until_s <= now_s))
            await connection.execute(delete(DEMOTIONS).where(DEMOTIONS.c.until_s <= now_s))
            await connection.execute(delete(INVITATIONS).where(INVITATIONS.c.expires_at_s <= now_s))


def _invitations(meeting_id: MeetingId, now_s: float) -> Any:
    valid = (INVITATIONS.c.meeting_id == meeting_id) & (INVITATIONS.c.expires_at_s > now_s)
    return select(INVITATIONS).where(valid).order_by(INVITATIONS.c.issued_at_s, INVITATIONS.c.jti)


async def _put_ban(connection: AsyncConnection, meeting_id: MeetingId, ban: Ban) -> None:
    """Of two for the same link and device the later end stays, and a whole one stays whole."""
    statement = insert_for(connection, BANS).values(_ban_values(meeting_id, ban))
    new = statement.excluded
    stronger = {
        "whole": or_(BANS.c.whole, new.whole),
        "until_s": case((new.until_s > BANS.c.until_s, new.until_s), else_=BANS.c.until_s),
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=("meeting_id", "jti", "device_id"), set_=stronger))


async def _put_demotion(connection: AsyncConnection, meeting_id: MeetingId, demotion: Demotion) -> None:
    """Of two for the same link and device the later counts."""
    values = {
        "meeting_id": meeting_id,
        "jti": demotion.jti,
        "device_id": demotion.device_id,
        "personal": demotion.personal,
        "role": demotion.role.value,
        "until_s": demotion.until_s,
    }
    statement = insert_for(connection, DEMOTIONS).values(values)
    changed = {name: values[name] for name in ("personal", "role", "until_s")}
    await connection.execute(statement.on_conflict_do_update(index_elements=("meeting_id", "jti", "device_id"), set_=changed))


async def _put_invitation(connection: AsyncConnection, meeting_id: MeetingId, record: InvitationRecord) -> None:
    """An account's own links have one id, so that a later one takes the place of those before. Uses never become fewer: a server
    that another one took over from may still be writing."""
    values = _invitation_values(meeting_id, record)
    statement = insert_for(connection, INVITATIONS).values(values)
    changed = {name: values[name] for name in ("role", "issued_at_s", "expires_at_s", "device_id")}
    new = statement.excluded
    changed["uses"] = case((new.uses > INVITATIONS.c.uses, new.uses), else_=INVITATIONS.c.uses)
    await connection.execute(statement.on_conflict_do_update(index_elements=("jti",), set_=changed))


def _ban_values(meeting_id: MeetingId, ban: Ban) -> dict[str, Any]:
    return {
        "meeting_id": meeting_id,
        "jti": ban.jti,
        "device_id": ban.device_id,
        "personal": ban.personal,
        "whole": ban.whole,
        "until_s": ban.until_s,
    }


def _invitation_values(meeting_id: MeetingId, record: InvitationRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    return values | {"meeting_id": meeting_id, "role": record.role.value}


def _ban(row: Row[Any]) -> Ban:
    return Ban(jti=row.jti, personal=bool(row.personal), device_id=row.device_id, whole=bool(row.whole), until_s=row.until_s)


def _demotion(row: Row[Any]) -> Demotion:
    return Demotion(jti=row.jti, personal=bool(row.personal), device_id=row.device_id, role=Role(row.role), until_s=row.until_s)


def _invitation(row: Row[Any]) -> InvitationRecord:
    return InvitationRecord(
        jti=row.jti,
        role=Role(row.role),
        seats=row.seats,
        max_uses=row.max_uses,
        issued_at_s=row.issued_at_s,
        expires_at_s=row.expires_at_s,
        label=row.label,
        uses=row.uses,
        device_id=row.device_id,
        user_id=row.user_id,
        made_by=row.made_by,
    )
