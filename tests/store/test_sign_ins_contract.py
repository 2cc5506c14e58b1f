import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.support.accounts import NOW_S, a_sign_in, an_account

from conclave.model.accounts import Account, SignInKind, SystemRole, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.store.stores import Stores

LIMIT = 100


async def kept_account(stores: Stores, name: str = "ada") -> Account:
    account = an_account(name)
    await stores.accounts.add(account)
    return account


async def test_a_sign_in_is_found_by_id_and_by_proof(stores: Stores) -> None:
    sign_in = a_sign_in((await kept_account(stores)).user_id, kind=SignInKind.BROWSER)
    await stores.sign_ins.add(sign_in, 0, LIMIT)
    assert await stores.sign_ins.by_id(sign_in.sign_in_id) == sign_in
    assert await stores.sign_ins.by_proof(sign_in.proof) == sign_in
    assert await stores.sign_ins.by_proof("other") is None


async def test_a_sign_in_needs_an_account_that_is_active_and_has_not_changed(stores: Stores) -> None:
    root, ada = an_account("root", SystemRole.ADMIN), await kept_account(stores)
    await stores.accounts.add(root)
    inactive = await stores.accounts.change(ada.user_id, active=False)
    for user_id, epoch in ((UserId("x" * 16), 0), (ada.user_id, 0), (ada.user_id, inactive.epoch), (root.user_id, 1)):
        with pytest.raises(Refused) as caught:
            await stores.sign_ins.add(a_sign_in(user_id), epoch, LIMIT)
        assert caught.value.code is ErrorCode.CONFLICT


async def test_past_the_limit_those_unused_for_longest_end(stores: Stores) -> None:
    ada, eve = await kept_account(stores), await kept_account(stores, "eve")
    foreign = a_sign_in(eve.user_id)
    await stores.sign_ins.add(foreign, 0, 2)
    one, two, three = (a_sign_in(ada.user_id, now_s=NOW_S + second) for second in range(3))
    assert [await stores.sign_ins.add(sign_in, 0, 2) for sign_in in (one, two)] == [[], []]
    await stores.sign_ins.renew(one.sign_in_id, one.proof, "next", NOW_S + 2, NOW_S + 50)
    assert await stores.sign_ins.add(three, 0, 2) == [two.sign_in_id]
    assert {kept.sign_in_id for kept in await stores.sign_ins.of_user(ada.user_id, NOW_S + 3)} == {
        one.sign_in_id, three.sign_in_id,
    }  # fmt: skip
    assert await stores.sign_ins.by_id(foreign.sign_in_id) == foreign


async def new_password(stores: Stores, account: Account) -> None:
    await stores.accounts.set_password(account.user_id, "other", replaces=account.password_hash, new_epoch=True)


async def new_epoch(stores: Stores, account: Account) -> None:
    await stores.accounts.new_epoch(account.user_id)


async def deactivation(stores: Stores, account: Account) -> None:
    await stores.accounts.change(account.user_id, active=False)


@pytest.mark.parametrize("change", [new_password, new_epoch, deactivation])
async def test_what_voids_an_account_s_tokens_ends_its_sign_ins_however_many_begin_meanwhile(
    stores: Stores, change: Callable[[Stores, Account], Awaitable[None]]
) -> None:
    await stores.accounts.add(an_account("root", SystemRole.ADMIN))
    ada, eve = await kept_account(stores), await kept_account(stores, "eve")
    sign_ins, foreign = [a_sign_in(ada.user_id) for _ in range(12)], a_sign_in(eve.user_id)
    await stores.sign_ins.add(foreign, 0, LIMIT)
    begun = [stores.sign_ins.add(sign_in, 0, LIMIT) for sign_in in sign_ins]
    await asyncio.gather(*begun[:6], change(stores, ada), *begun[6:], return_exceptions=True)
    assert [await stores.sign_ins.by_id(sign_in.sign_in_id) for sign_in in sign_ins] == [None] * 12
    assert await stores.sign_ins.by_id(foreign.sign_in_id) == foreign


async def test_a_proof_is_exchanged_once(stores: Stores) -> None:
    sign_in = a_sign_in((await kept_account(stores)).user_id)
    await stores.sign_ins.add(sign_in, 0, LIMIT)
    assert await stores.sign_ins.renew(sign_in.sign_in_id, sign_in.proof, "next", NOW_S + 1, NOW_S + 200)
    assert not await stores.sign_ins.renew(sign_in.sign_in_id, sign_in.proof, "other", NOW_S + 1, NOW_S + 200)
    renewed = await stores.sign_ins.by_id(sign_in.sign_in_id)
    assert renewed is not None
    assert (renewed.proof, renewed.used_at_s, renewed.valid_until_s) == ("next", NOW_S + 1, NOW_S + 200)


async def test_of_many_exchanges_at_once_one_succeeds(stores: Stores) -> None:
    sign_in = a_sign_in((await kept_account(stores)).user_id)
    await stores.sign_ins.add(sign_in, 0, LIMIT)
    renewals = (stores.sign_ins.renew(sign_in.sign_in_id, sign_in.proof, f"next{n}", NOW_S, NOW_S + 9) for n in range(8))
    assert sum(await asyncio.gather(*renewals)) == 1


@pytest.mark.parametrize("late_s", [100, 1_000])
async def test_an_expired_proof_is_not_exchanged(stores: Stores, late_s: float) -> None:
    sign_in = a_sign_in((await kept_account(stores)).user_id)
    await stores.sign_ins.add(sign_in, 0, LIMIT)
    assert not await stores.sign_ins.renew(sign_in.sign_in_id, sign_in.proof, "next", NOW_S + late_s, NOW_S + 9_000)


async def test_those_of_a_user_are_listed_while_valid(stores: Stores) -> None:
    ada, eve = await kept_account(stores), await kept_account(stores, "eve")
    old, new, foreign = a_sign_in(ada.user_id), a_sign_in(ada.user_id, now_s=NOW_S + 60), a_sign_in(eve.user_id)
    for sign_in in (old, new, foreign):
        await stores.sign_ins.add(sign_in, 0, LIMIT)
    assert list(await stores.sign_ins.of_user(ada.user_id, NOW_S + 70)) == [new, old]
    assert list(await stores.sign_ins.of_user(ada.user_id, NOW_S + 120)) == [new]


async def test_one_can_be_ended_once_and_again(stores: Stores) -> None:
    ada = await kept_account(stores)
    one, two = a_sign_in(ada.user_id), a_sign_in(ada.user_id)
    for sign_in in (one, two):
        await stores.sign_ins.add(sign_in, 0, LIMIT)
    await stores.sign_ins.end(one.sign_in_id)
    await stores.sign_ins.end(one.sign_in_id)
    assert await stores.sign_ins.by_id(one.sign_in_id) is None
    assert await stores.sign_ins.by_id(two.sign_in_id) == two


async def test_what_has_expired_is_forgotten(stores: Stores) -> None:
    ada = await kept_account(stores)
    old, new = a_sign_in(ada.user_id), a_sign_in(ada.user_id, now_s=NOW_S + 60)
    await stores.sign_ins.add(old, 0, LIMIT)
    await stores.sign_ins.add(new, 0, LIMIT)
    await stores.sign_ins.forget_expired(NOW_S + 101)
    assert await stores.sign_ins.by_id(old.sign_in_id) is None
    assert await stores.sign_ins.by_id(new.sign_in_id) == new
