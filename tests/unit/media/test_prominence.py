from conclave.media.prominence import Prominence
from conclave.model.ids import TrackId
from conclave.model.media import TrackSource

ANN, BOB = TrackId("ann"), TrackId("bob")


def ranks(prominence: Prominence) -> tuple[int, int]:
    return prominence.rank(ANN, TrackSource.MICROPHONE), prominence.rank(BOB, TrackSource.MICROPHONE)


def test_all_are_equal_at_first() -> None:
    ann, bob = ranks(Prominence())
    assert ann == bob


def test_who_spoke_last_comes_first() -> None:
    prominence = Prominence()
    prominence.rise(ANN)
    prominence.rise(BOB)
    ann, bob = ranks(prominence)
    assert bob > ann


def test_a_screen_comes_before_every_speaker() -> None:
    prominence = Prominence()
    prominence.rise(BOB)
    assert prominence.rank(ANN, TrackSource.SCREEN) > prominence.rank(BOB, TrackSource.CAMERA)


def test_muted_tracks_come_last_even_after_speaking_and_even_screens() -> None:
    prominence = Prominence()
    prominence.rise(ANN)
    prominence.mute(ANN, True)
    ann, bob = ranks(prominence)
    assert ann < bob
    assert prominence.rank(ANN, TrackSource.SCREEN) < bob


def test_unmuting_raises_and_unmuting_what_was_not_muted_does_not() -> None:
    prominence = Prominence()
    prominence.mute(ANN, True)
    prominence.mute(ANN, False)
    prominence.mute(BOB, False)
    ann, bob = ranks(prominence)
    assert ann > bob


def test_a_forgotten_track_is_like_a_new_one() -> None:
    prominence = Prominence()
    prominence.rise(ANN)
    prominence.mute(ANN, True)
    prominence.forget(ANN)
    ann, bob = ranks(prominence)
    assert ann == bob
