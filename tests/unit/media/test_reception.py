from tests.support.sdp_clients import LOCAL, answer, seeded, track

from conclave.media.certificate import make_certificate
from conclave.media.commands import AddSender, RemoveSender, SetRoute
from conclave.media.notices import SlotsChanged, TracksUnsupported
from conclave.media.reception import Reception
from conclave.media.subscriber import SubscriberNegotiation
from conclave.media.transport import MediaTransport
from conclave.model.ids import ParticipantId, TrackId, TransportId
from conclave.model.media import CodecParameters, MediaKind

ME = ParticipantId("me")
VP9 = (CodecParameters("video/VP9", 90_000, 1, "profile-id=0", 98, 99),)


def reception(only: tuple[str, ...] | None = None) -> Reception:
    entropy = seeded()
    transport_id = TransportId("subscriber")
    transport = MediaTransport(
        transport_id,
        role_name="subscriber",
        lane=0,
        candidates=(),
        certificate=make_certificate(entropy),
        entropy=entropy,
        now=0.0,
    )
    negotiation = SubscriberNegotiation(transport_id, entropy, audio_slots=0, video_slots=4)
    negotiation.prepare()
    made = negotiation.make_offer(LOCAL, 0.0)
    negotiation.read_answer(made.revision, answer(made.sdp, only=only))
    return Reception(ME, transport, negotiation)


def test_accepted_slots_become_senders_without_a_route() -> None:
    effects = list(reception().reconcile())
    assert [effect.spec.mid for effect in effects if isinstance(effect, AddSender)] == ["v0", "v1", "v2", "v3"]
    assert not any(isinstance(effect, SetRoute) for effect in effects)
    assert effects[-1] == SlotsChanged(ME, (("v0", None), ("v1", None), ("v2", None), ("v3", None)))


def test_only_differences_are_told() -> None:
    receiver = reception()
    list(receiver.reconcile())
    assert list(receiver.reconcile()) == []
    receiver.negotiation.pool.want(track("cam"))
    effects = list(receiver.reconcile())
    assert [type(effect) for effect in effects] == [SetRoute, SlotsChanged]
    assert effects[0].spec.payload_types == {120: 96}  # type: ignore[union-attr]
    assert receiver.mapping[0] == ("v0", TrackId("cam"))
    receiver.negotiation.pool.want(track("cam"))
    assert list(receiver.reconcile()) == []


def test_slots_are_emptied_before_others_are_filled() -> None:
    receiver = reception()
    pool = receiver.negotiation.pool
    pool.want(track("one"))
    pool.want(track("two"))
    list(receiver.reconcile())
    pool.unwant(TrackId("two"))
    pool.want(track("new", offered=VP9))
    pool.unwant(TrackId("one"))
    routes = [effect.spec.track_id for effect in receiver.reconcile() if isinstance(effect, SetRoute)]
    assert routes == [None, "new"]


def test_a_slot_that_ends_takes_its_sender_away() -> None:
    receiver = reception()
    list(receiver.reconcile())
    receiver.negotiation.pool.withdraw(receiver.negotiation.pool.slots[0], for_good=True)
    assert RemoveSender(TransportId("subscriber"), "v0") in list(receiver.reconcile())


def test_a_slot_on_which_the_client_does_not_receive_for_a_while_keeps_its_sender() -> None:
    receiver = reception()
    pool = receiver.negotiation.pool
    pool.want(track("cam"))
    list(receiver.reconcile())
    slot = pool.slots[0]
    pool.withdraw(slot, for_good=False)
    effects = list(receiver.reconcile())
    routes = [effect.spec for effect in effects if isinstance(effect, SetRoute)]
    assert [(route.mid, route.track_id) for route in routes] == [("v0", None), ("v1", "cam")]
    pool.accept(slot, slot.codecs, slot.extensions)
    assert not any(isinstance(effect, AddSender | RemoveSender) for effect in [*effects, *receiver.reconcile()])


def test_tracks_that_the_client_cannot_decode_are_told_once() -> None:
    receiver = reception(only=("VP8",))
    receiver.negotiation.pool.want(track("vp9", offered=VP9))
    assert TracksUnsupported(ME, frozenset({TrackId("vp9")})) in list(receiver.reconcile())
    receiver.negotiation.pool.want(track("cam"))
    assert not any(isinstance(effect, TracksUnsupported) for effect in receiver.reconcile())
    receiver.negotiation.pool.unwant(TrackId("vp9"))
    assert TracksUnsupported(ME, frozenset()) in list(receiver.reconcile())


def test_dismantling_removes_every_sender_once() -> None:
    receiver = reception()
    list(receiver.reconcile())
    assert len(list(receiver.dismantle())) == receiver.negotiation.pool.capacity(MediaKind.VIDEO)
    assert list(receiver.dismantle()) == []
