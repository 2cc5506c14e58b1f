import asyncio

from conclave.app.tidying import Tidying
from conclave.model.errors import Unavailable


class House:
    """Counts how often it was tidied; the first time its store is away."""

    def __init__(self) -> None:
        self.times = 0
        self.thrice = asyncio.Event()

    async def tidy(self) -> None:
        self.times += 1
        if self.times == 1:
            raise Unavailable("store", "away")
        if self.times == 3:
            self.thrice.set()


async def test_it_tidies_at_once_and_again_also_after_a_failure() -> None:
    house = House()
    tidying = Tidying(house.tidy, 0.001)
    tidying.start()
    await asyncio.wait_for(house.thrice.wait(), 5)
    await tidying.stop()
    assert house.times >= 3


async def test_stopping_what_never_started_is_nothing() -> None:
    await Tidying(House().tidy).stop()
