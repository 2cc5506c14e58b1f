import asyncio

from tests.support.accounts import NOW_S

from conclave.model.accounts import Revocation, RevocationKind
from conclave.store.stores import Stores


async def test_a_revocation_is_kept_until_it_does_not_matter(stores: Stores) -> None:
    soon = Revocation(RevocationKind.TOKEN, "soon", NOW_S + 10)
    late = Revocation(RevocationKind.SIGN_IN, "late", NOW_S + 100)
    await stores.token_revocations.keep(soon)
    await stores.token_revocations.keep(late)
    assert set(await stores.token_revocations.kept(NOW_S)) == {soon, late}
    assert list(await stores.token_revocations.kept(NOW_S + 20)) == [late]
    assert await stores.token_revocations.is_kept(RevocationKind.SIGN_IN, "late")
    assert not await stores.token_revocations.is_kept(RevocationKind.TOKEN, "late")
    assert await stores.token_revocations.is_kept(RevocationKind.TOKEN, "soon")
    await stores.token_revocations.forget_expired(NOW_S + 20)
    assert await stores.token_revocations.is_kept(RevocationKind.SIGN_IN, "late")
    assert not await stores.token_revocations.is_kept(RevocationKind.TOKEN, "soon")


async def test_the_higher_epoch_and_the_later_end_stay(stores: Stores) -> None:
    await stores.token_revocations.keep(Revocation(RevocationKind.USER, "ada", NOW_S + 10, 5))
    await stores.token_revocations.keep(Revocation(RevocationKind.USER, "ada", NOW_S + 20, 3))
    assert list(await stores.token_revocations.kept(NOW_S)) == [Revocation(RevocationKind.USER, "ada", NOW_S + 20, 5)]
    await stores.token_revocations.keep(Revocation(RevocationKind.USER, "ada", NOW_S + 15, 6))
    assert list(await stores.token_revocations.kept(NOW_S)) == [Revocation(RevocationKind.USER, "ada", NOW_S + 20, 6)]


async def test_a_single_use_token_is_spent_once(stores: Stores) -> None:
    spends = (stores.token_revocations.spend("once", NOW_S + 10) for _ in range(8))
    assert sum(await asyncio.gather(*spends)) == 1
    assert not await stores.token_revocations.spend("once", NOW_S + 10)
