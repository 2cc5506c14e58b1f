from tests.support.accounts import NOW_S

from conclave.model.accounts import Attempts
from conclave.store.stores import Stores


async def test_attempts_are_replaced_by_key_and_cleared(stores: Stores) -> None:
    await stores.attempts.keep(Attempts("a", 1, NOW_S))
    await stores.attempts.keep(Attempts("a", 2, NOW_S, NOW_S + 900))
    await stores.attempts.keep(Attempts("b", 1, NOW_S))
    await stores.attempts.clear("b")
    await stores.attempts.clear("never there")
    assert list(await stores.attempts.kept(NOW_S - 1)) == [Attempts("a", 2, NOW_S, NOW_S + 900)]


async def test_what_is_neither_recent_nor_locked_is_forgotten(stores: Stores) -> None:
    old, locked, recent = Attempts("old", 1, NOW_S), Attempts("locked", 5, NOW_S, NOW_S + 900), Attempts("new", 1, NOW_S + 50)
    for attempts in (old, locked, recent):
        await stores.attempts.keep(attempts)
    assert set(await stores.attempts.kept(NOW_S + 10)) == {locked, recent}
    await stores.attempts.forget(NOW_S + 10)
    assert set(await stores.attempts.kept(NOW_S)) == {locked, recent}
