"""ports.accounts.TokenRevocationStore in SQL."""

from collections.abc import Sequence

from sqlalchemy import case, delete, select

from conclave.model.accounts import Revocation, RevocationKind
from conclave.store.database import Database
from conclave.store.schema import REVOCATIONS
from conclave.store.upsert import insert_for

_C = REVOCATIONS.c
_KEY = ("kind", "subject")


class SqlTokenRevocations:
    """What is revoked before it expires."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, revocation: Revocation) -> None:
        async with self._database.writing() as connection:
            statement = insert_for(connection, REVOCATIONS).values(_values(revocation))
            new = statement.excluded
            higher = {
                "epoch": case((new.epoch > _C.epoch, new.epoch), else_=_C.epoch),
                "expires_at_s": case((new.expires_at_s > _C.expires_at_s, new.expires_at_s), else_=_C.expires_at_s),
            }
            await connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=higher))

    async def spend(self, jti: str, expires_at_s: float) -> bool:
        async with self._database.writing() as connection:
            values = _values(Revocation(RevocationKind.TOKEN, jti, expires_at_s))
            statement = insert_for(connection, REVOCATIONS).values(values).on_conflict_do_nothing(index_elements=_KEY)
            return (await connection.execute(statement)).rowcount == 1

    async def kept(self, now_s: float) -> Sequence[Revocation]:
        async with self._database.reading() as connection:
            rows = await connection.execute(select(REVOCATIONS).where(_C.expires_at_s >= now_s))
            return [Revocation(RevocationKind(row.kind), row.subject, row.expires_at_s, row.epoch) for row in rows]

    async def forget_expired(self, now_s: float) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(REVOCATIONS).where(_C.expires_at_s < now_s))

    async def is_kept(self, kind: RevocationKind, subject: str) -> bool:
        async with self._database.reading() as connection:
            query = select(_C.subject).where((_C.kind == kind.value) & (_C.subject == subject))
            return (await connection.execute(query)).first() is not None


def _values(revocation: Revocation) -> dict[str, object]:
    return {
        "kind": revocation.kind.value,
        "subject": revocation.subject,
        "epoch": revocation.epoch,
        "expires_at_s": revocation.expires_at_s,
    }
