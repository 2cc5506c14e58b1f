"""Our transport against aiortc's DTLS and SRTP, whose code shares nothing with ours but the TLS library."""

import asyncio
import os
from collections.abc import Iterator
from random import Random

import pylibsrtp
import pytest
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from conclave.media import stun
from conclave.media.certificate import make_certificate
from conclave.media.parameters import Fingerprint, RemoteTransportParameters
from conclave.media.stun import AttributeType, StunClass
from conclave.media.transport import MediaTransport, Secure, StateChanged, Transmit, TransportState
from conclave.model.ids import TransportId
from conclave.model.media import SrtpProfile

PATH = bytes([0, 4, 0x13, 0x88, 192, 0, 2, 1]) + bytes(24)
RTP = bytes([0x80, 111, 0, 1]) + bytes(4) + (1234).to_bytes(4, "big") + b"payload" * 20
POLICIES = {
    SrtpProfile.AEAD_AES_128_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.AEAD_AES_256_GCM: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    SrtpProfile.AES_CM_128_HMAC_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


class Wire:
    """Stands where aiortc's ICE transport would, and carries datagrams to ours."""

    def __init__(self, transport: MediaTransport) -> None:
        self.role = "controlling"
        self.state = "completed"
        self.secured: Secure | None = None
        self.states: list[StateChanged] = []
        self.state_changed = asyncio.Event()
        self.srtp: asyncio.Queue[bytes] = asyncio.Queue()
        self._transport = transport
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue()

    async def _recv(self) -> bytes:
        return await self._inbox.get()

    async def _send(self, data: bytes) -> None:
        if data[0] >= 128:
            self.srtp.put_nowait(data)
            return
        self._transport.receive_dtls(data, PATH, 0.0)
        self.deliver()

    def deliver(self) -> None:
        for output in self._transport.take_outputs():
            match output:
                case Transmit(_, data) if data[0] >= 20:
                    self._inbox.put_nowait(data)
                case Secure():
                    self.secured = output
                case StateChanged():
                    self.states.append(output)
                    self.state_changed.set()

    def inject(self, data: bytes) -> None:
        self._inbox.put_nowait(data)


def check(transport: MediaTransport) -> bytes:
    local = transport.local
    attributes = (
        (int(AttributeType.USERNAME), f"{local.ice_ufrag}:peer".encode()),
        (int(AttributeType.PRIORITY), bytes(4)),
        (int(AttributeType.ICE_CONTROLLING), bytes(8)),
        (int(AttributeType.USE_CANDIDATE), b""),
    )
    return stun.serialise(StunClass.REQUEST, bytes(12), attributes, password=local.ice_pwd.encode())


def parameters(transport: MediaTransport, fingerprint: Fingerprint | None = None) -> RTCDtlsParameters:
    ours = fingerprint or transport.local.fingerprint
    return RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(algorithm=ours.algorithm, value=ours.value)])


@pytest.fixture
def certificate() -> RTCCertificate:
    return RTCCertificate.generateCertificate()


@pytest.fixture
def transport() -> Iterator[MediaTransport]:
    made = MediaTransport(
        TransportId("t" * 16),
        role_name="publisher",
        lane=0,
        candidates=(),
        certificate=make_certificate(os.urandom),
        entropy=Random(3).randbytes,
        now=0.0,
    )
    made.receive_stun(check(made), PATH, 0.0)
    made.take_outputs()
    yield made
    made.close()


def tell(transport: MediaTransport, certificate: RTCCertificate, setup: str) -> None:
    fingerprints = tuple(Fingerprint(print_.algorithm, print_.value) for print_ in certificate.getFingerprints())
    transport.set_remote(RemoteTransportParameters("peer", "p" * 24, fingerprints, setup))


async def connect(transport: MediaTransport, certificate: RTCCertificate, role: str) -> tuple[Wire, RTCDtlsTransport]:
    wire = Wire(transport)
    peer = RTCDtlsTransport(wire, [certificate])
    peer._set_role(role)
    tell(transport, certificate, "active" if role == "client" else "passive")
    wire.deliver()
    await asyncio.wait_for(peer.start(parameters(transport)), 10)
    await asyncio.wait_for(wire.state_changed.wait(), 10)
    return wire, peer


def policy(profile: SrtpProfile, key: bytes, direction: int) -> pylibsrtp.Policy:
    return pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=POLICIES[profile])


@pytest.mark.parametrize("role", ["client", "server"])
async def test_aiortc_connects_in_either_role_and_srtp_flows_both_ways(
    transport: MediaTransport, certificate: RTCCertificate, role: str
) -> None:
    wire, peer = await connect(transport, certificate, role)
    assert peer.state == "connected"
    assert wire.states == [StateChanged(TransportState.CONNECTED, "")]
    assert wire.secured is not None
    profile = wire.secured.profile
    assert profile is (SrtpProfile.AEAD_AES_128_GCM if role == "client" else SrtpProfile.AEAD_AES_256_GCM)

    await peer._send_rtp(RTP)
    inbound = pylibsrtp.Session(policy(profile, wire.secured.inbound, pylibsrtp.Policy.SSRC_ANY_INBOUND))
    assert inbound.unprotect(await wire.srtp.get()) == RTP
    outbound = pylibsrtp.Session(policy(profile, wire.secured.outbound, pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
    assert peer._rx_srtp.unprotect(outbound.protect(RTP)) == RTP
    await peer.stop()


@pytest.mark.parametrize("profile", list(SrtpProfile))
async def test_each_profile_is_agreed_with_aiortc(
    transport: MediaTransport, certificate: RTCCertificate, profile: SrtpProfile
) -> None:
    wire = Wire(transport)
    peer = RTCDtlsTransport(wire, [certificate])
    peer._set_role("client")
    peer._srtp_profiles = [known for known in peer._srtp_profiles if known.openssl_profile == profile.encode()]
    tell(transport, certificate, "active")
    await asyncio.wait_for(peer.start(parameters(transport)), 10)
    await asyncio.wait_for(wire.state_changed.wait(), 10)
    assert wire.secured is not None
    assert wire.secured.profile is profile
    await peer.stop()


async def test_aiortc_hears_our_goodbye(transport: MediaTransport, certificate: RTCCertificate) -> None:
    wire, peer = await connect(transport, certificate, "client")
    closed = asyncio.Event()
    peer.on("statechange", closed.set)
    transport.close()
    wire.deliver()
    await asyncio.wait_for(closed.wait(), 10)
    assert peer.state == "closed"


async def test_we_hear_the_goodbye_of_aiortc(transport: MediaTransport, certificate: RTCCertificate) -> None:
    wire, peer = await connect(transport, certificate, "client")
    await peer.stop()
    assert wire.states[-1] == StateChanged(TransportState.CLOSED, "closed_by_peer")


async def test_a_peer_with_another_certificate_than_it_signaled_is_refused(
    transport: MediaTransport, certificate: RTCCertificate
) -> None:
    wire = Wire(transport)
    peer = RTCDtlsTransport(wire, [certificate])
    peer._set_role("client")
    tell(transport, RTCCertificate.generateCertificate(), "active")
    await asyncio.wait_for(peer.start(parameters(transport)), 10)
    assert peer.state == "failed"
    assert wire.secured is None
    assert wire.states == [StateChanged(TransportState.FAILED, "fingerprint_mismatch")]
