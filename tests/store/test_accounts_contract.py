import asyncio

import pytest
from tests.support.accounts import an_account

from conclave.model.accounts import SystemPermission, SystemRole, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.store.stores import Stores


async def test_an_account_comes_back_as_it_was_kept(stores: Stores) -> None:
    account = an_account(grants=frozenset({SystemPermission.DELETE, SystemPermission.READ}))
    await stores.accounts.add(account)
    assert await stores.accounts.by_id(account.user_id) == account
    assert await stores.accounts.by_username("ada") == account


async def test_who_is_not_there_is_none(stores: Stores) -> None:
    assert await stores.accounts.by_id(UserId("x" * 16)) is None
    assert await stores.accounts.by_username("nobody") is None


async def test_a_username_is_taken_once(stores: Stores) -> None:
    first = an_account()
    await stores.accounts.add(first)
    with pytest.raises(Refused) as caught:
        await stores.accounts.add(an_account())
    assert caught.value.code is ErrorCode.CONFLICT
    assert await stores.accounts.by_username("ada") == first


async def test_names_that_look_like_patterns_or_statements_are_only_names(stores: Stores) -> None:
    for name in ("a%", "a_a", "'; DROP TABLE accounts; --", "ä"):
        await stores.accounts.add(an_account(name))
        found = await stores.accounts.by_username(name)
        assert found is not None
        assert found.username == name
    assert await stores.accounts.by_username("A%") is None
    assert await stores.accounts.by_username("aba") is None


async def test_accounts_are_listed_in_pages_by_name(stores: Stores) -> None:
    for name in ("c", "a", "b"):
        await stores.accounts.add(an_account(name, grants=frozenset({SystemPermission.ADMIN})))
    first = await stores.accounts.listed("", 2)
    assert [account.username for account in first] == ["a", "b"]
    assert first[0].grants == {SystemPermission.ADMIN}
    assert [account.username for account in await stores.accounts.listed("b", 2)] == ["c"]


async def test_a_change_counts_the_epoch_up(stores: Stores) -> None:
    await stores.accounts.add(an_account("root", SystemRole.ADMIN))
    account = an_account()
    await stores.accounts.add(account)
    changed = await stores.accounts.change(
        account.user_id, role=SystemRole.SERVICE, active=False, grants=frozenset({SystemPermission.DELETE})
    )
    assert (changed.role, changed.active, changed.epoch) == (SystemRole.SERVICE, False, 1)
    assert changed.grants == {SystemPermission.DELETE}
    again = await stores.accounts.change(account.user_id, grants=frozenset())
    assert (again.grants, again.epoch, again.role) == (frozenset(), 2, SystemRole.SERVICE)
    assert await stores.accounts.by_id(account.user_id) == again


async def test_the_last_active_administrator_stays(stores: Stores) -> None:
    root, other = an_account("root", SystemRole.ADMIN), an_account("other", SystemRole.ADMIN)
    await stores.accounts.add(root)
    await stores.accounts.add(other)
    await stores.accounts.change(other.user_id, active=False)
    for change in ({"active": False}, {"role": SystemRole.USER}):
        with pytest.raises(Refused) as caught:
            await stores.accounts.change(root.user_id, **change)  # type: ignore[arg-type]
        assert caught.value.code is ErrorCode.FORBIDDEN
    assert await stores.accounts.by_id(root.user_id) == root


async def test_of_two_administrators_who_resign_at_once_one_stays(stores: Stores) -> None:
    accounts = [an_account(f"root{number}", SystemRole.ADMIN) for number in range(4)]
    for account in accounts:
        await stores.accounts.add(account)
    changes = (stores.accounts.change(account.user_id, role=SystemRole.USER) for account in accounts)
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert [refusal.code for refusal in refused] == [ErrorCode.FORBIDDEN]


async def test_an_account_that_is_not_there_cannot_be_changed(stores: Stores) -> None:
    await stores.accounts.add(an_account("root", SystemRole.ADMIN))
    nobody = UserId("x" * 16)
    for change in (
        stores.accounts.change(nobody, active=False),
        stores.accounts.new_epoch(nobody),
    ):
        with pytest.raises(Refused) as caught:
            await change
        assert caught.value.code is ErrorCode.NOT_FOUND


async def test_a_better_hash_of_an_old_password_does_not_replace_a_new_one(stores: Stores) -> None:
    account = an_account()
    await stores.accounts.add(account)
    await stores.accounts.set_password(account.user_id, "new", replaces=account.password_hash, new_epoch=True)
    for new_epoch in (True, False):
        with pytest.raises(Refused) as caught:
            await stores.accounts.set_password(account.user_id, "old", replaces=account.password_hash, new_epoch=new_epoch)
        assert caught.value.code is ErrorCode.CONFLICT
    kept = await stores.accounts.by_id(account.user_id)
    assert kept is not None
    assert (kept.password_hash, kept.epoch) == ("new", 1)


async def test_a_password_is_replaced_with_or_without_a_new_epoch(stores: Stores) -> None:
    account = an_account()
    await stores.accounts.add(account)
    first = account.password_hash
    upgraded = await stores.accounts.set_password(account.user_id, "better", replaces=first, new_epoch=False)
    assert (upgraded.password_hash, upgraded.epoch) == ("better", 0)
    changed = await stores.accounts.set_password(account.user_id, "other", replaces="better", new_epoch=True)
    assert (changed.password_hash, changed.epoch) == ("other", 1)
    assert (await stores.accounts.new_epoch(account.user_id)).epoch == 2
