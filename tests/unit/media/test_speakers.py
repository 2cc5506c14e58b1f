import random

from conclave.media.speakers import CHANGE_INTERVAL_S, START_AFTER_S, STOP_AFTER_S, AudioLevel, SpeakerDetector
from conclave.model.ids import TrackId

ANN, BOB = TrackId("ann"), TrackId("bob")
LOUD, QUIET, SILENT = 25, 40, 127
STEP_S = 0.1


def run(detector: SpeakerDetector, levels: dict[TrackId, int], start: float, seconds: float) -> tuple[float, int]:
    """Feed constant levels for some time; return when it ended and how often the speakers changed."""
    changes = 0
    now = start
    for _ in range(round(seconds / STEP_S)):
        now += STEP_S
        changes += detector.hear([AudioLevel(track_id, level, level) for track_id, level in levels.items()], now)
    return now, changes


def test_nobody_speaks_at_first_nor_in_silence() -> None:
    detector = SpeakerDetector()
    run(detector, {ANN: SILENT, BOB: 80}, 0.0, 3.0)
    assert detector.speakers == ()


def test_who_talks_for_a_while_speaks() -> None:
    detector = SpeakerDetector()
    run(detector, {ANN: LOUD, BOB: SILENT}, 0.0, START_AFTER_S + 0.3)
    assert detector.speakers == (ANN,)


def test_a_cough_does_not_make_a_speaker() -> None:
    detector = SpeakerDetector()
    now, _ = run(detector, {ANN: 15}, 0.0, 0.3)
    _, changes = run(detector, {ANN: SILENT}, now, 3.0)
    assert changes == 0


def test_coughs_far_apart_do_not_add_up() -> None:
    detector = SpeakerDetector()
    now = 0.0
    for _ in range(5):
        now, _ = run(detector, {ANN: 15}, now, 0.2)
        now, _ = run(detector, {ANN: SILENT}, now, 0.8)
        assert detector.speakers == ()


def test_a_pause_between_words_does_not_end_a_speaker() -> None:
    detector = SpeakerDetector()
    now, _ = run(detector, {ANN: LOUD}, 0.0, 2.0)
    for _ in range(5):
        now, changes = run(detector, {ANN: SILENT}, now, 0.8)
        assert changes == 0
        now, _ = run(detector, {ANN: LOUD}, now, 0.5)
    assert detector.speakers == (ANN,)


def test_silence_ends_a_speaker() -> None:
    detector = SpeakerDetector()
    now, _ = run(detector, {ANN: LOUD}, 0.0, 2.0)
    run(detector, {ANN: SILENT}, now, STOP_AFTER_S + 0.2)
    assert detector.speakers == ()


def test_no_packets_at_all_are_silence() -> None:
    detector = SpeakerDetector()
    now, _ = run(detector, {ANN: LOUD}, 0.0, 2.0)
    detector.hear([], now + STOP_AFTER_S + 0.1)
    assert detector.speakers == ()


def test_the_loudest_comes_first() -> None:
    detector = SpeakerDetector()
    run(detector, {ANN: QUIET, BOB: LOUD}, 0.0, 2.0)
    assert detector.speakers == (BOB, ANN)


def test_equals_do_not_change_places() -> None:
    detector = SpeakerDetector()
    now, _ = run(detector, {ANN: 30, BOB: 33}, 0.0, 2.0)
    order = detector.speakers
    for _ in range(10):
        now, changes = run(detector, {ANN: 34, BOB: 31}, now, 0.5)
        assert changes == 0
        now, changes = run(detector, {ANN: 30, BOB: 34}, now, 0.5)
        assert changes == 0
    assert detector.speakers == order


def test_one_who_is_clearly_louder_passes() -> None:
    detector = SpeakerDetector()
    now, _ = run(detector, {ANN: 30, BOB: 40}, 0.0, 2.0)
    assert detector.speakers == (ANN, BOB)
    run(detector, {ANN: 45, BOB: 25}, now, 2.0)
    assert detector.speakers == (BOB, ANN)


def test_changes_are_at_least_300_ms_apart_whatever_is_heard() -> None:
    chance = random.Random(3)
    detector = SpeakerDetector()
    tracks = [TrackId(f"t{number}") for number in range(10)]
    changed_at = float("-inf")
    now = 0.0
    for _ in range(2_000):
        now += 0.05
        levels = [AudioLevel(track_id, chance.choice((20, 30, 45, 60, 127)), 20) for track_id in chance.sample(tracks, 6)]
        if detector.hear(levels, now):
            assert now - changed_at >= CHANGE_INTERVAL_S
            changed_at = now
        assert len(set(detector.speakers)) == len(detector.speakers)


def test_a_track_that_ends_speaks_no_more_at_once() -> None:
    detector = SpeakerDetector()
    run(detector, {ANN: LOUD, BOB: QUIET}, 0.0, 2.0)
    assert detector.forget(ANN)
    assert detector.speakers == (BOB,)
    assert not detector.forget(ANN)
