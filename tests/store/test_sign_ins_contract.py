import asyncio

import pytest
from tests.support.accounts import NOW_S, a_sign_in, an_account

from conclave.model.accounts import Account, SignInKind, UserId
from conclave.model.errors import Unavailable
from conclave.store.stores import Stores


async def kept_account(stores: Stores, name: str = "ada") -> Account:
    account = an_account(name)
    await stores.accounts.add(account)
    return account


async def test_a_sign_in_is_found_by_id_and_by_proof(stores: Stores) -> None:
    sign_in = a_sign_in((await kept_account(stores)).user_id, kind=SignInKind.BROWSER)
    await stores.sign_ins.add(sign_in)
    assert await stores.sign_ins.by_id(sign_in.sign_in_id) == sign_in
    assert await stores.sign_ins.by_proof(sign_in.proof) == sign_in
    assert await stores.sign_ins.by_proof("other") is None


async def test_a_sign_in_needs_an_account(stores: Stores) -> None:
    with pytest.raises(Unavailable):
        await stores.sign_ins.add(a_sign_in(UserId("x" * 16)))


async def test_a_proof_is_exchanged_once(stores: Stores) -> None:
    sign_in = a_sign_in((await kept_account(stores)).user_id)
    await stores.sign_ins.add(sign_in)
    assert await stores.sign_ins.renew(sign_in.sign_in_id, sign_in.proof, "next", NOW_S + 1, NOW_S + 200)
    assert not await stores.sign_ins.renew(sign_in.sign_in_id, sign_in.proof, "other", NOW_S + 1, NOW_S + 200)
    renewed = await stores.sign_ins.by_id(sign_in.sign_in_id)
    assert renewed is not None
    assert (renewed.proof, renewed.used_at_s, renewed.valid_until_s) == ("next", NOW_S + 1, NOW_S + 200)


async def test_of_many_exchanges_at_once_one_succeeds(stores: Stores) -> None:
    sign_in = a_sign_in((await kept_account(stores)).user_id)
    await stores.sign_ins.add(sign_in)
    renewals = (stores.sign_ins.renew(sign_in.sign_in_id, sign_in.proof, f"next{n}", NOW_S, NOW_S + 9) for n in range(8))
    assert sum(await asyncio.gather(*renewals)) == 1


@pytest.mark.parametrize("late_s", [100, 1_000])
async def test_an_expired_proof_is_not_exchanged(stores: Stores, late_s: float) -> None:
    sign_in = a_sign_in((await kept_account(stores)).user_id)
    await stores.sign_ins.add(sign_in)
    assert not await stores.sign_ins.renew(sign_in.sign_in_id, sign_in.proof, "next", NOW_S + late_s, NOW_S + 9_000)


async def test_those_of_a_user_are_listed_while_valid(stores: Stores) -> None:
    ada, eve = await kept_account(stores), await kept_account(stores, "eve")
    old, new, foreign = a_sign_in(ada.user_id), a_sign_in(ada.user_id, now_s=NOW_S + 60), a_sign_in(eve.user_id)
    for sign_in in (old, new, foreign):
        await stores.sign_ins.add(sign_in)
    assert list(await stores.sign_ins.of_user(ada.user_id, NOW_S + 70)) == [new, old]
    assert list(await stores.sign_ins.of_user(ada.user_id, NOW_S + 120)) == [new]


async def test_one_all_and_all_but_one_can_be_ended(stores: Stores) -> None:
    ada, eve = await kept_account(stores), await kept_account(stores, "eve")
    one, two, three, foreign = (a_sign_in(user.user_id) for user in (ada, ada, ada, eve))
    for sign_in in (one, two, three, foreign):
        await stores.sign_ins.add(sign_in)
    await stores.sign_ins.end(one.sign_in_id)
    await stores.sign_ins.end(one.sign_in_id)
    assert await stores.sign_ins.by_id(one.sign_in_id) is None
    assert list(await stores.sign_ins.end_all(ada.user_id, but=two.sign_in_id)) == [three.sign_in_id]
    assert list(await stores.sign_ins.end_all(ada.user_id)) == [two.sign_in_id]
    assert await stores.sign_ins.by_id(foreign.sign_in_id) == foreign


async def test_what_has_expired_is_forgotten(stores: Stores) -> None:
    ada = await kept_account(stores)
    old, new = a_sign_in(ada.user_id), a_sign_in(ada.user_id, now_s=NOW_S + 60)
    await stores.sign_ins.add(old)
    await stores.sign_ins.add(new)
    await stores.sign_ins.forget_expired(NOW_S + 101)
    assert await stores.sign_ins.by_id(old.sign_in_id) is None
    assert await stores.sign_ins.by_id(new.sign_in_id) == new
