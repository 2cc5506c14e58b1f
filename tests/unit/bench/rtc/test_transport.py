import asyncio
from collections.abc import AsyncIterator

import pytest
import uvloop
from aioice import stun
from bench.rtc.batch import BatchReader
from bench.rtc.dtls import Certificate, Profile, client_context, make_certificate
from bench.rtc.rtcp import Part, picture_loss, receiver_report
from bench.rtc.rtp import VideoSource
from bench.rtc.transport import MediaTransport, TransportFailed
from tests.unit.bench.rtc.far_end import FarEnd


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return make_certificate()


@pytest.fixture(params=["udp", "tcp"])
async def far_end(request: pytest.FixtureRequest, certificate: Certificate) -> AsyncIterator[FarEnd]:
    end = FarEnd(certificate, Profile.GCM128)
    await (end.listen_udp() if request.param == "udp" else end.listen_tcp())
    yield end
    end.close()


def transport_to(end: FarEnd, profiles: tuple[Profile, ...] = (Profile.GCM128,)) -> MediaTransport:
    certificate = make_certificate()
    context = client_context(certificate, profiles)
    return MediaTransport(BatchReader(), context, certificate.fingerprint, network=end.candidate.transport)


async def test_media_flows_both_ways_after_ice_and_dtls(far_end: FarEnd) -> None:
    transport = transport_to(far_end)
    await transport.connect(far_end.description)
    assert transport.connected
    assert 0 < transport.ice_ns <= transport.dtls_ns
    assert transport.profile is Profile.GCM128
    source = VideoSource(publisher=4, ssrc=77, rtx_ssrc=78, mid="1")
    packets = source.next(5)
    transport.send_rtp_burst(packets)
    assert [await asyncio.wait_for(far_end.received.get(), 5) for _ in packets] == packets

    arrived = asyncio.Event()
    transport.receiver.on_sample = lambda *_: arrived.set()
    assert far_end.outbound is not None
    for packet in source.next(6):
        far_end.send(far_end.outbound.protect(packet))
    await asyncio.wait_for(arrived.wait(), 5)
    sample = transport.receiver.logs[77].samples[0]
    assert (sample.publisher, sample.counter) == (4, 4)
    transport.close()
    transport.close()
    assert not transport.connected


@pytest.mark.parametrize("network", ["udp", "tcp"])
def test_a_transport_connects_on_the_loop_of_the_command_line(network: str, certificate: Certificate) -> None:
    async def connect() -> None:
        end = FarEnd(certificate, Profile.GCM128)
        await (end.listen_udp() if network == "udp" else end.listen_tcp())
        transport = transport_to(end)
        await transport.connect(end.description)
        assert transport.connected
        transport.close()
        end.close()

    uvloop.run(connect())


async def test_rtcp_goes_both_ways(far_end: FarEnd) -> None:
    transport = transport_to(far_end)
    await transport.connect(far_end.description)
    parts: asyncio.Queue[Part] = asyncio.Queue()
    transport.on_rtcp = parts.put_nowait
    transport.send_rtcp(receiver_report(1, []))
    assert await asyncio.wait_for(far_end.reports.get(), 5) == receiver_report(1, [])
    assert far_end.outbound is not None
    far_end.send(far_end.outbound.protect_rtcp(picture_loss(2, 77)))
    assert (await asyncio.wait_for(parts.get(), 5)).ssrc == 2
    transport.close()


async def test_lost_checks_are_repeated(far_end: FarEnd) -> None:
    far_end.ignored_checks = 3
    transport = transport_to(far_end)
    await transport.connect(far_end.description)
    assert far_end.checks >= 4
    transport.close()


async def test_a_server_that_never_answers_fails_as_ice(far_end: FarEnd) -> None:
    far_end.ignored_checks = 10_000
    with pytest.raises(TransportFailed, match="ICE failed"):
        await transport_to(far_end).connect(far_end.description, timeout_s=0.2)


async def test_a_server_with_another_certificate_fails_as_dtls(far_end: FarEnd) -> None:
    description = far_end.description._replace(fingerprint=make_certificate().fingerprint)
    with pytest.raises(TransportFailed, match="DTLS failed: the server's certificate"):
        await transport_to(far_end).connect(description)


async def test_a_server_that_has_none_of_the_profiles_fails_as_dtls(far_end: FarEnd) -> None:
    with pytest.raises(TransportFailed, match="DTLS failed"):
        await transport_to(far_end, (Profile.CM,)).connect(far_end.description, timeout_s=5)


async def test_an_answer_to_a_check_never_sent_does_not_connect(far_end: FarEnd) -> None:
    far_end.ignored_checks = 10_000
    transport = transport_to(far_end)
    connecting = asyncio.create_task(transport.connect(far_end.description, timeout_s=0.3))
    forged = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=bytes(12))
    forged.add_message_integrity(far_end.description.pwd.encode())
    forged.add_fingerprint()
    await asyncio.wait_for(far_end.checked.wait(), 5)
    far_end.send(bytes(forged))
    with pytest.raises(TransportFailed, match="ICE failed"):
        await connecting


async def test_noise_on_an_open_transport_is_counted_or_ignored(far_end: FarEnd) -> None:
    transport = transport_to(far_end)
    await transport.connect(far_end.description)
    noise = [b"\x01" * 30, b"\x16" * 30, b"\x90\x60" + bytes(30), b"\x80\xc8" + bytes(30), b"\xff", b"\x50" * 40]
    for datagram in noise:
        far_end.send(datagram)
    source = VideoSource(publisher=4, ssrc=77, rtx_ssrc=78, mid="1")
    arrived = asyncio.Event()
    transport.receiver.on_sample = lambda *_: arrived.set()
    assert far_end.outbound is not None
    far_end.send(far_end.outbound.protect(source.next(6)[0]))
    await asyncio.wait_for(arrived.wait(), 5)
    assert transport.receiver.invalid_samples >= 1
    transport.close()
