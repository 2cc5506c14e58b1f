"""ports.accounts.AccountStore in SQL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from conclave.model.accounts import Account, SystemPermission, SystemRole, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.store.database import Database
from conclave.store.schema import ACCOUNTS, GRANTS, SIGN_INS


class SqlAccounts:
    """Accounts and their grants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: Account) -> None:
        values = {column.name: getattr(account, column.name) for column in ACCOUNTS.columns}
        try:
            async with self._database.writing() as connection:
                await connection.execute(insert(ACCOUNTS).values(values | {"role": account.role.value}))
                await _set_grants(connection, account.user_id, account.grants)
        except IntegrityError:
            raise Refused(ErrorCode.CONFLICT, "this username is taken") from None

    async def by_id(self, user_id: UserId) -> Account | None:
        return await self._one(ACCOUNTS.c.user_id == user_id)

    async def by_username(self, username: str) -> Account | None:
        return await self._one(ACCOUNTS.c.username == username)

    async def listed(self, after: str, limit: int) -> Sequence[Account]:
        async with self._database.reading() as connection:
            query = select(ACCOUNTS).where(ACCOUNTS.c.username > after).order_by(ACCOUNTS.c.username).limit(limit)
            rows = (await connection.execute(query)).all()
            grants = await _grants(connection, [row.user_id for row in rows])
        return [_account(row, grants) for row in rows]

    async def has_administrator(self) -> bool:
        """Return whether an active one is there."""
        async with self._database.reading() as connection:
            return await _administrators(connection) > 0

    async def change(
        self,
        user_id: UserId,
        *,
        role: SystemRole | None = None,
        active: bool | None = None,
        grants: frozenset[SystemPermission] | None = None,
    ) -> Account:
        values: dict[str, Any] = {"epoch": ACCOUNTS.c.epoch + 1}
        if role is not None:
            values["role"] = role.value
        if active is not None:
            values["active"] = active
        async with self._database.writing() as connection:
            await _lock_administrators(connection)
            await _update(connection, user_id, values)
            if grants is not None:
                await connection.execute(delete(GRANTS).where(GRANTS.c.user_id == user_id))
                await _set_grants(connection, user_id, grants)
            if not await _administrators(connection):
                raise Refused(ErrorCode.FORBIDDEN, "no active administrator would be left")
            changed = await _read(connection, user_id)
            if not changed.active:
                await _end_sign_ins(connection, user_id)
            return changed

    async def set_password(self, user_id: UserId, password_hash: str, *, replaces: str, new_epoch: bool) -> Account:
        condition = (ACCOUNTS.c.user_id == user_id) & (ACCOUNTS.c.password_hash == replaces)
        values = {"password_hash": password_hash, "epoch": ACCOUNTS.c.epoch + int(new_epoch)}
        async with self._database.writing() as connection:
            if (await connection.execute(update(ACCOUNTS).where(condition).values(values))).rowcount != 1:
                raise Refused(ErrorCode.CONFLICT, "the password has just been changed")
            if new_epoch:
                await _end_sign_ins(connection, user_id)
            return await _read(connection, user_id)

    async def new_epoch(self, user_id: UserId) -> Account:
        async with self._database.writing() as connection:
            await _update(connection, user_id, {"epoch": ACCOUNTS.c.epoch + 1})
            await _end_sign_ins(connection, user_id)
            return await _read(connection, user_id)

    async def _one(self, condition: Any) -> Account | None:
        """Ask the same two questions whether there is such an account or not, so that the time does not tell."""
        granted = select(GRANTS).where(GRANTS.c.user_id.in_(select(ACCOUNTS.c.user_id).where(condition)))
        async with self._database.reading() as connection:
            row = (await connection.execute(select(ACCOUNTS).where(condition))).first()
            grants = _by_user(await connection.execute(granted))
        return _account(row, grants) if row is not None else None


async def _update(connection: AsyncConnection, user_id: UserId, values: Mapping[str, Any]) -> None:
    done = await connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.user_id == user_id).values(dict(values)))
    if done.rowcount != 1:
        raise Refused(ErrorCode.NOT_FOUND, "no such account")


async def _end_sign_ins(connection: AsyncConnection, user_id: UserId) -> None:
    """In the transaction that makes them void: a failure between the two would leave them good."""
    await connection.execute(delete(SIGN_INS).where(SIGN_INS.c.user_id == user_id))


async def _read(connection: AsyncConnection, user_id: UserId) -> Account:
    row = (await connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.user_id == user_id))).one()
    return _account(row, await _grants(connection, [user_id]))


async def _lock_administrators(connection: AsyncConnection) -> None:
    """Let one change at a time decide whether an administrator stays; in SQLite the transaction does that already."""
    await connection.execute(select(ACCOUNTS.c.user_id).where(ACCOUNTS.c.role == SystemRole.ADMIN.value).with_for_update())


async def _administrators(connection: AsyncConnection) -> int:
    condition = (ACCOUNTS.c.role == SystemRole.ADMIN.value) & ACCOUNTS.c.active
    return int((await connection.execute(select(func.count()).select_from(ACCOUNTS).where(condition))).scalar_one())


async def _set_grants(connection: AsyncConnection, user_id: UserId, grants: frozenset[SystemPermission]) -> None:
    if grants:
        rows = [{"user_id": user_id, "permission": permission.value} for permission in sorted(grants)]
        await connection.execute(insert(GRANTS), rows)


async def _grants(connection: AsyncConnection, user_ids: Sequence[str]) -> Mapping[str, frozenset[SystemPermission]]:
    return _by_user(await connection.execute(select(GRANTS).where(GRANTS.c.user_id.in_(user_ids))))


def _by_user(rows: Iterable[Row[Any]]) -> Mapping[str, frozenset[SystemPermission]]:
    found: dict[str, set[SystemPermission]] = {}
    for row in rows:
        found.setdefault(row.user_id, set()).add(SystemPermission(row.permission))
    return {user_id: frozenset(held) for user_id, held in found.items()}


def _account(row: Row[Any], grants: Mapping[str, frozenset[SystemPermission]]) -> Account:
    return Account(
        user_id=UserId(row.user_id),
        username=row.username,
        email=row.email,
        password_hash=row.password_hash,
        role=SystemRole(row.role),
        grants=grants.get(row.user_id, frozenset()),
        active=bool(row.active),
        epoch=row.epoch,
        created_at_s=row.created_at_s,
    )
