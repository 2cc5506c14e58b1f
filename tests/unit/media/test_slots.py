import random

import pytest
from tests.support.sdp_clients import seeded, track

from conclave.media import codecs
from conclave.media.prominence import Prominence
from conclave.media.slots import Slot, SlotPool, SsrcSource, grown_capacity
from conclave.model.ids import TrackId, TransportId
from conclave.model.media import CodecParameters, MediaKind, RouteSpec, TrackSource

VP8 = CodecParameters("video/VP8", 90_000, 1, "", 96, 97)
AV1 = CodecParameters("video/AV1", 90_000, 1, "", 45, 46)
OPUS = CodecParameters("audio/opus", 48_000, 2, "", 111)
TRANSPORT = TransportId("subscriber")


def pool_of(
    video: int, audio: int = 0, accepted: tuple[CodecParameters, ...] = (VP8, AV1), prominence: Prominence | None = None
) -> SlotPool:
    pool = SlotPool(prominence)
    for number in range(audio):
        slot = Slot(f"a{number}", MediaKind.AUDIO, 1 + number, None)
        pool.add(slot)
        pool.accept(slot, (OPUS,), {codecs.MID_URI: 1, codecs.AUDIO_LEVEL_URI: 2})
    for number in range(video):
        slot = Slot(f"v{number}", MediaKind.VIDEO, 100 + number, 200 + number)
        pool.add(slot)
        pool.accept(slot, accepted, {codecs.MID_URI: 1, codecs.TOFFSET_URI: 3})
    return pool


def shown(pool: SlotPool) -> dict[str, str | None]:
    return dict(pool.mapping())


def test_a_wanted_track_goes_to_a_free_slot_of_its_kind() -> None:
    pool = pool_of(1, audio=1)
    pool.want(track("cam"))
    pool.want(track("mic", TrackSource.MICROPHONE))
    pool.assign()
    assert shown(pool) == {"a0": "mic", "v0": "cam"}


def test_a_track_keeps_its_slot_while_others_come_and_go() -> None:
    pool = pool_of(2)
    pool.want(track("one"))
    pool.want(track("two"))
    pool.assign()
    pool.unwant(TrackId("one"))
    pool.want(track("three"))
    pool.assign()
    assert shown(pool) == {"v0": "three", "v1": "two"}


def test_a_slot_that_last_showed_the_same_codec_is_preferred() -> None:
    pool = pool_of(2)
    pool.want(track("vp8"))
    pool.want(track("av1", offered=(CodecParameters("video/AV1", 90_000, 1, "", 35),)))
    pool.assign()
    assert shown(pool) == {"v0": "vp8", "v1": "av1"}
    pool.unwant(TrackId("vp8"))
    pool.unwant(TrackId("av1"))
    pool.want(track("again", offered=(CodecParameters("video/AV1", 90_000, 1, "", 35),)))
    pool.assign()
    assert shown(pool) == {"v0": None, "v1": "again"}


def test_tracks_beyond_the_slots_wait_in_the_order_in_which_they_were_wanted() -> None:
    pool = pool_of(1)
    for name in ("one", "two", "three"):
        pool.want(track(name))
    pool.assign()
    pool.unwant(TrackId("one"))
    pool.assign()
    assert shown(pool) == {"v0": "two"}
    assert pool.demand(MediaKind.VIDEO) == 2


def test_a_shared_screen_takes_the_last_cameras_slot_when_none_is_free() -> None:
    pool = pool_of(2)
    pool.want(track("one"))
    pool.want(track("two"))
    pool.assign()
    pool.want(track("screen", TrackSource.SCREEN))
    pool.assign()
    assert shown(pool) == {"v0": "one", "v1": "screen"}


def test_a_screen_never_takes_another_screens_slot() -> None:
    pool = pool_of(1)
    pool.want(track("one", TrackSource.SCREEN))
    pool.assign()
    pool.want(track("two", TrackSource.SCREEN))
    pool.assign()
    assert shown(pool) == {"v0": "one"}


def test_when_slots_are_short_a_speaker_takes_the_slot_of_who_spoke_longest_ago() -> None:
    prominence = Prominence()
    pool = pool_of(0, audio=2, prominence=prominence)
    for name in ("one", "two", "three"):
        pool.want(track(name, TrackSource.MICROPHONE))
    prominence.rise(TrackId("two"))
    prominence.rise(TrackId("one"))
    pool.assign()
    assert shown(pool) == {"a0": "one", "a1": "two"}
    prominence.rise(TrackId("three"))
    pool.reconsider()
    pool.assign()
    assert shown(pool) == {"a0": "one", "a1": "three"}


def test_when_slots_are_short_muted_tracks_give_way() -> None:
    prominence = Prominence()
    pool = pool_of(0, audio=1, prominence=prominence)
    pool.want(track("one", TrackSource.MICROPHONE))
    pool.want(track("two", TrackSource.MICROPHONE))
    pool.assign()
    assert shown(pool) == {"a0": "one"}
    prominence.mute(TrackId("one"), True)
    pool.assign()
    assert shown(pool) == {"a0": "two"}
    prominence.mute(TrackId("one"), False)
    pool.assign()
    assert shown(pool) == {"a0": "one"}


def test_equals_do_not_take_each_others_slots() -> None:
    pool = pool_of(1)
    for name in ("one", "two", "three"):
        pool.want(track(name))
    for _ in range(3):
        pool.assign()
        assert shown(pool) == {"v0": "one"}


def test_reconsidering_costs_nothing_while_everything_is_shown() -> None:
    pool = pool_of(2)
    pool.want(track("one"))
    pool.assign()
    version = pool.version
    pool.reconsider()
    assert pool.version == version
    pool.want(track("two"))
    pool.want(track("three"))
    version = pool.version
    pool.reconsider()
    assert pool.version > version


def test_a_track_whose_preferred_codec_the_receiver_lacks_is_unsupported_and_asks_for_no_slot() -> None:
    pool = pool_of(1, accepted=(VP8,))
    vp9_first = (CodecParameters("video/VP9", 90_000, 1, "", 98), CodecParameters("video/VP8", 90_000, 1, "", 96))
    pool.want(track("vp9", offered=vp9_first))
    pool.assign()
    assert shown(pool) == {"v0": None}
    assert pool.unsupported == {"vp9"}
    assert pool.demand(MediaKind.VIDEO) == 0


def test_before_the_first_answer_nothing_is_unsupported() -> None:
    pool = SlotPool()
    pool.add(Slot("v0", MediaKind.VIDEO, 1, 2))
    pool.want(track("cam"))
    pool.assign()
    assert pool.unsupported == frozenset()
    assert pool.demand(MediaKind.VIDEO) == 1
    assert pool.mapping() == ()


def test_a_route_translates_payload_types_and_extensions() -> None:
    pool = pool_of(1)
    pool.want(track("cam", extensions={codecs.MID_URI: 4, codecs.ABS_SEND_TIME_URI: 2, codecs.TOFFSET_URI: 14}))
    pool.assign()
    assert pool.route(pool.slots[0], TRANSPORT) == RouteSpec(TRANSPORT, "v0", TrackId("cam"), {120: 96}, {14: 3})


def test_an_empty_slot_routes_nothing() -> None:
    pool = pool_of(1)
    assert pool.route(pool.slots[0], TRANSPORT) == RouteSpec(TRANSPORT, "v0", None)


def test_a_renewed_track_is_routed_anew() -> None:
    pool = pool_of(1)
    pool.want(track("cam"))
    pool.assign()
    before = pool.slots[0].revision
    pool.want(track("cam", offered=(CodecParameters("video/VP8", 90_000, 1, "", 35),)))
    pool.assign()
    assert pool.slots[0].revision > before
    assert pool.route(pool.slots[0], TRANSPORT).payload_types == {35: 96}


def test_a_withdrawn_slot_shows_nothing_and_its_track_moves_on() -> None:
    pool = pool_of(2)
    pool.want(track("cam"))
    pool.assign()
    pool.withdraw(pool.slots[0], for_good=True)
    pool.assign()
    assert shown(pool) == {"v1": "cam"}
    assert pool.capacity(MediaKind.VIDEO) == 1


def test_a_slot_describes_its_sender_and_drops_rtx_that_was_not_accepted() -> None:
    pool = pool_of(1, audio=1)
    spec = pool.slots[1].sender_spec(TRANSPORT)
    assert (spec.mid, spec.ssrc, spec.rtx_ssrc, spec.mid_ext_id, spec.clock_rate) == ("v0", 100, 200, 1, 90_000)
    assert spec.rtx_payload_types == {96: 97, 45: 46}
    assert pool.slots[0].sender_spec(TRANSPORT).rtx_ssrc is None


def test_a_sender_knows_the_rtx_of_codecs_that_a_later_offer_may_add() -> None:
    pool = SlotPool()
    slot = Slot("v0", MediaKind.VIDEO, 1, 2, {106: 107})
    pool.add(slot)
    pool.accept(slot, (VP8,), {})
    assert slot.sender_spec(TRANSPORT).rtx_payload_types == {96: 97, 106: 107}
    pool.accept(slot, (codecs.with_rtx(VP8, None),), {})
    assert slot.sender_spec(TRANSPORT).rtx_payload_types == {}


def test_unwanting_what_was_not_wanted_changes_nothing() -> None:
    pool = pool_of(1)
    version = pool.version
    assert not pool.unwant(TrackId("ghost"))
    assert pool.version == version


@pytest.mark.parametrize(
    ("current", "needed", "limit", "expected"),
    [
        (0, 0, 25, 0),
        (0, 1, 25, 4),
        (4, 5, 25, 8),
        (8, 20, 25, 25),
        (25, 40, 25, 25),
        (0, 1, 2, 2),
        (16, 3, 25, 16),
        (4, 33, 64, 64),
    ],
)
def test_capacity_doubles_from_4_to_the_limit(current: int, needed: int, limit: int, expected: int) -> None:
    assert grown_capacity(current, needed, limit) == expected


def test_ssrcs_are_unique_and_never_0() -> None:
    stream = iter([bytes(4), b"\0\0\0\1", b"\0\0\0\1", b"\0\0\0\2"])
    source = SsrcSource(lambda _: next(stream))
    assert [source.next(), source.next()] == [1, 2]


def test_whatever_comes_and_goes_no_track_is_shown_twice_and_no_slot_stays_empty_while_one_waits() -> None:
    chance = random.Random(7)
    pool = pool_of(4, audio=3)
    sources = (TrackSource.CAMERA, TrackSource.MICROPHONE, TrackSource.SCREEN)
    tracks = [track(f"t{number}", chance.choice(sources)) for number in range(20)]
    for _ in range(500):
        chosen = chance.choice(tracks)
        if chosen.spec.track_id in pool.wanted:
            pool.unwant(chosen.spec.track_id)
        else:
            pool.want(chosen)
        pool.assign()
        showing = [track_id for _, track_id in pool.mapping() if track_id is not None]
        assert len(showing) == len(set(showing))
        assert set(showing) <= pool.wanted
        for kind, slots in ((MediaKind.VIDEO, 4), (MediaKind.AUDIO, 3)):
            of_kind = {track.spec.track_id for track in tracks if track.spec.kind is kind}
            assert len(of_kind & set(showing)) == min(slots, len(of_kind & pool.wanted))


def test_seeded_ssrcs_repeat() -> None:
    assert SsrcSource(seeded()).next() == SsrcSource(seeded()).next()
