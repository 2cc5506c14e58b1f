"""Accounts and sign-ins as examples."""

import os

from conclave.model.accounts import Account, SignIn, SignInId, SignInKind, SystemPermission, SystemRole, UserId
from conclave.model.ids import new_id

NOW_S = 1_800_000_000.0


def an_account(
    username: str = "ada",
    role: SystemRole = SystemRole.USER,
    *,
    active: bool = True,
    grants: frozenset[SystemPermission] = frozenset(),
) -> Account:
    return Account(
        user_id=UserId(new_id(os.urandom)),
        username=username,
        email=f"{username}@example.org",
        password_hash="$argon2id$not-a-hash",
        role=role,
        grants=grants,
        active=active,
        created_at_s=NOW_S,
    )


def a_sign_in(user_id: UserId, *, kind: SignInKind = SignInKind.TOKENS, now_s: float = NOW_S) -> SignIn:
    return SignIn(
        sign_in_id=SignInId(new_id(os.urandom)),
        user_id=user_id,
        kind=kind,
        proof=new_id(os.urandom),
        created_at_s=now_s,
        used_at_s=now_s,
        valid_until_s=now_s + 100,
        ends_at_s=now_s + 1_000,
    )
