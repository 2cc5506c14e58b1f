"""ports.accounts.SignInStore in SQL. One that has ended is a row that is gone."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from conclave.model.accounts import SignIn, SignInId, SignInKind, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.store.database import Database
from conclave.store.schema import ACCOUNTS, SIGN_INS

_C = SIGN_INS.c


class SqlSignIns:
    """Families of refresh tokens and browser sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, sign_in: SignIn, epoch: int, limit: int) -> Sequence[SignInId]:
        values = {column.name: getattr(sign_in, column.name) for column in SIGN_INS.columns} | {"kind": sign_in.kind.value}
        account = (ACCOUNTS.c.user_id == sign_in.user_id) & (ACCOUNTS.c.epoch == epoch) & ACCOUNTS.c.active
        oldest = select(_C.sign_in_id).where(_C.user_id == sign_in.user_id).order_by(_C.used_at_s.desc(), _C.sign_in_id)
        async with self._database.writing() as connection:
            if (await connection.execute(select(ACCOUNTS.c.user_id).where(account).with_for_update())).first() is None:
                raise Refused(ErrorCode.CONFLICT, "the account has just changed; log in again")
            over = _C.sign_in_id.in_(oldest.offset(limit - 1))
            ended = await connection.execute(delete(SIGN_INS).where(over).returning(_C.sign_in_id))
            ids = [SignInId(row.sign_in_id) for row in ended]
            await connection.execute(insert(SIGN_INS).values(values))
            return ids

    async def by_id(self, sign_in_id: SignInId) -> SignIn | None:
        return await self._one(_C.sign_in_id == sign_in_id)

    async def by_proof(self, proof: str) -> SignIn | None:
        return await self._one(_C.proof == proof)

    async def of_user(self, user_id: UserId, now_s: float) -> Sequence[SignIn]:
        valid = (_C.user_id == user_id) & (_C.valid_until_s > now_s) & (_C.ends_at_s > now_s)
        async with self._database.reading() as connection:
            rows = await connection.execute(select(SIGN_INS).where(valid).order_by(_C.created_at_s.desc(), _C.sign_in_id))
            return [_sign_in(row) for row in rows]

    async def renew(self, sign_in_id: SignInId, spent: str, proof: str, now_s: float, valid_until_s: float) -> bool:
        current = (_C.sign_in_id == sign_in_id) & (_C.proof == spent) & (_C.valid_until_s > now_s) & (_C.ends_at_s > now_s)
        values = {"proof": proof, "used_at_s": now_s, "valid_until_s": valid_until_s}
        async with self._database.writing() as connection:
            return (await connection.execute(update(SIGN_INS).where(current).values(values))).rowcount == 1

    async def end(self, sign_in_id: SignInId) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(SIGN_INS).where(_C.sign_in_id == sign_in_id))

    async def forget_expired(self, now_s: float) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(SIGN_INS).where((_C.valid_until_s < now_s) | (_C.ends_at_s < now_s)))

    async def _one(self, condition: Any) -> SignIn | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(SIGN_INS).where(condition))).first()
            return _sign_in(row) if row is not None else None


def _sign_in(row: Row[Any]) -> SignIn:
    return SignIn(
        sign_in_id=SignInId(row.sign_in_id),
        user_id=UserId(row.user_id),
        kind=SignInKind(row.kind),
        proof=row.proof,
        created_at_s=row.created_at_s,
        used_at_s=row.used_at_s,
        valid_until_s=row.valid_until_s,
        ends_at_s=row.ends_at_s,
    )
