import pytest

from conclave.media.media_clock import PublisherClock, StreamClock, ntp_to_ns

SECOND = 1_000_000_000
MS = 1_000_000
EPOCH = 0xE0000000


def ntp(seconds: float) -> int:
    return (EPOCH << 32) + int(seconds * (1 << 32))


def test_an_ntp_timestamp_is_seconds_and_a_binary_fraction() -> None:
    assert ntp_to_ns(0x00000003_40000000) == 3_250_000_000


def test_without_a_report_time_counts_from_the_first_arrival() -> None:
    clock = StreamClock(90_000, PublisherClock())
    assert clock.time_of(5_000, SECOND) == SECOND
    assert clock.time_of(5_000 + 9_000, SECOND + 180 * MS) == SECOND + 100 * MS


def test_a_wrap_of_the_timestamp_goes_unnoticed() -> None:
    clock = StreamClock(90_000, PublisherClock())
    clock.time_of(2**32 - 4_500, SECOND)
    assert clock.time_of(4_500, SECOND + 100 * MS) == SECOND + 100 * MS


@pytest.mark.parametrize("video_delay_ms", [0, 150, 400])
def test_picture_and_sound_of_one_moment_get_one_time_however_late_the_picture_comes(video_delay_ms: int) -> None:
    publisher = PublisherClock()
    audio, video = StreamClock(48_000, publisher), StreamClock(90_000, publisher)
    audio.report(ntp(10.0), 1_000, 10 * SECOND + 20 * MS)
    video.report(ntp(10.5), 77_000, 10 * SECOND + 520 * MS)
    heard = audio.time_of(1_000 + 48_000, 11 * SECOND + 20 * MS)
    seen = video.time_of(77_000 + 45_000, 11 * SECOND + (20 + video_delay_ms) * MS)
    assert abs(heard - seen) < MS


def test_the_offset_of_a_publisher_is_that_of_its_fastest_report() -> None:
    publisher = PublisherClock()
    publisher.report(ntp_to_ns(ntp(1)), 2 * SECOND)
    publisher.report(ntp_to_ns(ntp(2)), 3 * SECOND - 30 * MS)
    publisher.report(ntp_to_ns(ntp(3)), 4 * SECOND + 90 * MS)
    assert abs(publisher.to_ours(ntp_to_ns(ntp(5))) - (6 * SECOND - 30 * MS)) < 1_000


def test_a_later_correction_is_approached_in_small_steps() -> None:
    clock = StreamClock(90_000, PublisherClock())
    clock.report(ntp(1), 0, SECOND)
    assert clock.time_of(0, SECOND) == pytest.approx(SECOND, abs=1_000)
    clock.report(ntp(2.1), 90_000, 2 * SECOND + 100 * MS)
    first = clock.time_of(93_000, 2 * SECOND + 150 * MS)
    assert first - SECOND == pytest.approx(93_000 * SECOND / 90_000 + 2 * MS, abs=10_000)
    for step in range(60):
        last = clock.time_of(93_000 + step * 3_000, 2 * SECOND + 150 * MS + step * 33 * MS)
    assert last == pytest.approx(SECOND + (93_000 + 59 * 3_000) * SECOND / 90_000 + 100 * MS, abs=MS)


def test_a_stream_whose_timestamps_begin_anew_is_anchored_anew() -> None:
    clock = StreamClock(90_000, PublisherClock())
    clock.time_of(0, SECOND)
    assert clock.time_of(3_000_000_000, 2 * SECOND) == 2 * SECOND


def test_a_report_of_zeros_says_nothing() -> None:
    clock = StreamClock(90_000, PublisherClock())
    clock.report(0, 0, SECOND)
    assert clock.time_of(0, 5 * SECOND) == 5 * SECOND


def test_a_publisher_that_sets_its_clock_starts_over() -> None:
    publisher = PublisherClock()
    publisher.report(ntp_to_ns(ntp(1_000)), SECOND)
    publisher.report(ntp_to_ns(ntp(1)), 2 * SECOND)
    assert publisher.to_ours(ntp_to_ns(ntp(1))) == 2 * SECOND
