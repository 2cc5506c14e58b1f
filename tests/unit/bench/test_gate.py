from bench import gate


async def test_each_round_costs_some_time_and_the_audience_gets_every_message() -> None:
    results = await gate.measure(audience=3, rounds=2)
    assert len(results) == 2
    assert min(results) > 0
