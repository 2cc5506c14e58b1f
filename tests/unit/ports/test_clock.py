from conclave.app.clock import SystemClock
from conclave.ports.clock import Clock


def test_monotonic_time_never_goes_back_and_wall_time_is_that_of_the_calendar() -> None:
    clock: Clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert clock.wall() > 1_700_000_000
