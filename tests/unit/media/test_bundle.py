import msgspec
import pytest
from tests.support.sdp_clients import CLIENT_FINGERPRINT, LOCAL, OPUS, VP8, offer, section

from conclave.media import codecs
from conclave.media.bundle import (
    NumberRegistry,
    PeerTransport,
    bundled_mids,
    check_succession,
    media_kind,
    read_description,
    reject,
    remote_transport,
    with_transport,
)
from conclave.media.parameters import Fingerprint, RemoteTransportParameters
from conclave.media.sdp import MediaSection, SdpCodec, SdpExtension
from conclave.model.errors import ErrorCode, Refused
from conclave.model.media import MediaKind


def test_an_unreadable_description_is_refused_as_invalid() -> None:
    with pytest.raises(Refused) as refusal:
        read_description("hello")
    assert refusal.value.code is ErrorCode.INVALID


@pytest.mark.parametrize("bundle", [(), ("0", "0"), ("0", "9")])
def test_a_bundle_that_names_nothing_twice_or_nowhere_is_refused(bundle: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match="BUNDLE"):
        bundled_mids(read_description(offer(section("0"), bundle=bundle)))


def test_two_bundles_are_refused() -> None:
    text = offer(section("0"), section("1")).replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0\r\na=group:BUNDLE 1")
    with pytest.raises(Refused, match="exactly one BUNDLE"):
        bundled_mids(read_description(text))


def test_the_transport_is_that_of_the_first_bundled_section_that_is_not_rejected() -> None:
    sections = (section("0", port=0), section("1", ice_ufrag="tagd"), section("2", ice_ufrag="none"))
    remote = remote_transport(read_description(offer(*sections, bundle=("0", "1", "2"))))
    assert remote == RemoteTransportParameters("tagd", "c" * 24, (CLIENT_FINGERPRINT,), "actpass")


@pytest.mark.parametrize(
    "changes",
    [
        {"ice_ufrag": ""},
        {"ice_pwd": ""},
        {"fingerprints": ()},
        {"fingerprints": (Fingerprint("sha-1", ":".join(["AB"] * 20)),)},
        {"fingerprints": tuple(Fingerprint("sha-256", ":".join([f"{number:02X}"] * 32)) for number in range(9))},
        {"setup": ""},
        {"setup": "holdconn"},
        {"port": 0},
    ],
)
def test_a_transport_without_what_it_needs_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Refused) as refusal:
        remote_transport(read_description(offer(section("0", **changes), bundle=("0",))))
    assert refusal.value.code is ErrorCode.INVALID


def test_weak_fingerprints_beside_a_strong_one_are_dropped() -> None:
    weak = Fingerprint("sha-1", ":".join(["AB"] * 20))
    text = offer(section("0", fingerprints=(weak, CLIENT_FINGERPRINT)))
    assert remote_transport(read_description(text)).fingerprints == (CLIENT_FINGERPRINT,)


REMOTE = RemoteTransportParameters("ufra", "p" * 22, (CLIENT_FINGERPRINT,), "active")


def test_the_first_transport_is_no_restart_and_changed_credentials_are_one() -> None:
    peer = PeerTransport()
    assert not peer.check(REMOTE)
    peer.remote = REMOTE
    assert not peer.check(REMOTE)
    assert peer.check(msgspec.structs.replace(REMOTE, ice_ufrag="newu"))
    assert peer.check(msgspec.structs.replace(REMOTE, ice_pwd="q" * 22))


def test_changed_fingerprints_are_refused_on_a_live_transport() -> None:
    peer = PeerTransport()
    peer.remote = REMOTE
    with pytest.raises(Refused, match="fingerprints must not change"):
        peer.check(msgspec.structs.replace(REMOTE, fingerprints=(LOCAL.fingerprint,)))


def test_a_later_actpass_does_not_change_the_dtls_role() -> None:
    peer = PeerTransport()
    assert peer.aligned(REMOTE) is REMOTE
    peer.remote = REMOTE
    assert peer.aligned(msgspec.structs.replace(REMOTE, setup="actpass")).setup == "active"


def test_a_payload_type_keeps_its_meaning() -> None:
    registry = NumberRegistry().extended_by((section("0"),))
    registry.extended_by((section("1"),))
    other = section("1", codecs=(SdpCodec(96, "VP9", 90_000),))
    with pytest.raises(Refused, match="payload type 96"):
        registry.extended_by((other,))


def test_a_header_extension_id_keeps_its_meaning() -> None:
    registry = NumberRegistry().extended_by((section("0", extensions=(SdpExtension(4, codecs.MID_URI),)),))
    with pytest.raises(Refused, match="header extension id 4"):
        registry.extended_by((section("1", extensions=(SdpExtension(4, "urn:other"),)),))


def test_an_extension_id_that_no_packet_can_carry_is_not_remembered() -> None:
    registry = NumberRegistry().extended_by((section("0", extensions=(SdpExtension(256, "urn:one"),)),))
    registry.extended_by((section("0", extensions=(SdpExtension(256, "urn:other"),)),))


def test_a_refused_meaning_leaves_the_registry_as_it_was() -> None:
    registry = NumberRegistry()
    with pytest.raises(Refused):
        registry.extended_by((section("0", codecs=(VP8,)), section("1", codecs=(SdpCodec(96, "AV1", 90_000),))))
    registry.extended_by((section("1", codecs=(SdpCodec(96, "AV1", 90_000),)),))


def test_rejected_sections_and_data_channels_claim_no_numbers() -> None:
    data = MediaSection(kind="application", protocol="UDP/DTLS/SCTP", formats=("webrtc-datachannel",), mid="2")
    NumberRegistry().extended_by((section("0", "audio", port=0, codecs=(OPUS,)), data))
    assert media_kind(data) is None
    assert media_kind(section("0")) is MediaKind.VIDEO


def test_sections_keep_place_mid_and_kind() -> None:
    before = (section("0", "audio"), section("1"))
    check_succession(before, (*before, section("2")))
    with pytest.raises(Refused, match="must not disappear"):
        check_succession(before, before[:1])
    with pytest.raises(Refused, match="m-section 0"):
        check_succession(before, (section("1"), section("0", "audio")))


def test_a_rejected_sections_place_may_be_taken() -> None:
    check_succession((section("0", "audio", port=0),), (section("5"),))


def test_a_rejection_keeps_kind_protocol_and_mid() -> None:
    refused = reject(section("3", "audio"))
    assert (refused.port, refused.mid, refused.kind, refused.formats) == (0, "3", "audio", ("111",))


def test_our_transport_is_put_into_a_section() -> None:
    ours = with_transport(section("0"), LOCAL, "passive")
    assert (ours.ice_ufrag, ours.ice_pwd, ours.setup, ours.candidates) == ("srvr", "s" * 24, "passive", LOCAL.candidates)
    assert ours.fingerprints == (LOCAL.fingerprint,)
