from bench import login


async def test_a_small_run_gives_every_figure() -> None:
    (found,) = await login.measure(rounds=1, requests=8)
    names = {
        f"{name}_by_{concurrency}_{what}"
        for name in ("login", "refresh", "me")
        for concurrency in (1, 8)
        for what in ("rate", "p50", "p95", "cpu")
    }
    assert set(found) == names | {"hash"}
    assert all(value >= 0 for value, _ in found.values())
