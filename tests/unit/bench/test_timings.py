from bench.timings import PHASES, JoinTimes


def test_phases_add_up_to_the_total() -> None:
    times = JoinTimes(started=1_000_000)
    for number, step in enumerate(PHASES, start=1):
        setattr(times, step, 1_000_000 + number * number * 1_000_000)
    phases = times.phases_ms()
    assert phases["websocket"] == 1.0
    assert phases["hello"] == 3.0
    assert phases["total"] == sum(phases[step] for step in PHASES) == 49.0
    assert times.complete


def test_a_step_that_overtook_the_one_before_takes_no_time() -> None:
    times = JoinTimes(started=1, websocket=10, hello=20, join=40, sdp=30, ice=50, dtls=60, media=70)
    phases = times.phases_ms()
    assert phases["sdp"] == 0
    assert phases["ice"] == 10 / 1e6
    assert phases["total"] == 69 / 1e6


def test_only_the_steps_reached_are_reported() -> None:
    times = JoinTimes(started=1, websocket=10, hello=20)
    assert list(times.phases_ms()) == ["websocket", "hello"]
    assert not times.complete


def test_only_the_first_time_of_a_step_counts() -> None:
    times = JoinTimes()
    times.mark("media")
    first = times.media
    times.mark("media")
    assert times.media == first > 0


def test_the_first_picture_is_told_beside_the_first_media() -> None:
    times = JoinTimes(1, 2, 3, 4, 5, 6, 7, 8, video=2_000_001)
    assert times.phases_ms()["video"] == 2.0
