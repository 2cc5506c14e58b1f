import secrets
import socket
import time

import pytest
from bench.rtc.batch import BatchReader, enable_arrival_times
from bench.rtc.dtls import Profile, SrtpKeys
from bench.rtc.receiver import SAMPLE_EVERY, Receiver
from bench.rtc.rtp import AudioSource
from bench.rtc.srtp import inbound_session, outbound_session

SIZES = {Profile.GCM128: 28, Profile.GCM256: 44, Profile.CM: 30}


def keys(profile: Profile = Profile.CM) -> SrtpKeys:
    key = secrets.token_bytes(SIZES[profile])
    return SrtpKeys(profile, outbound=key, inbound=key)


def receiver_with(shared: SrtpKeys, sample_every: int = SAMPLE_EVERY) -> tuple[Receiver, list[bytes], list[bytes]]:
    control: list[bytes] = []
    rtcp: list[bytes] = []
    receiver = Receiver(control.append, rtcp.append, sample_every=sample_every)
    receiver.session = inbound_session(shared)
    return receiver, control, rtcp


@pytest.mark.parametrize("profile", list(Profile))
def test_every_packet_is_counted_and_one_in_fifty_is_verified(profile: Profile) -> None:
    shared = keys(profile)
    receiver, _, _ = receiver_with(shared)
    protect = outbound_session(shared).protect
    source = AudioSource(publisher=2, ssrc=5, mid="0")
    for _ in range(10 * SAMPLE_EVERY):
        receiver.take_datagram(protect(source.next(time.time_ns())[0]), time.time_ns())
    log = receiver.logs[5]
    assert receiver.packets == len(log.seqs) == log.received == 10 * SAMPLE_EVERY
    assert receiver.invalid_samples == 0
    assert 10 <= len(log.samples) <= 11
    assert log.samples[0].place == 0
    assert all(sample.place == sample.counter for sample in log.samples)
    assert all(0 <= sample.latency_ns <= sample.read_latency_ns for sample in log.samples)


def test_a_packet_under_another_key_is_an_invalid_sample() -> None:
    receiver, _, _ = receiver_with(keys())
    protect = outbound_session(keys()).protect
    receiver.take_datagram(protect(AudioSource(publisher=2, ssrc=5, mid="0").next(1)[0]), 1)
    assert receiver.invalid_samples == 1
    assert receiver.logs[5].samples == []


def test_after_clearing_the_next_packet_is_a_sample_and_the_total_goes_on() -> None:
    shared = keys()
    receiver, _, _ = receiver_with(shared)
    protect = outbound_session(shared).protect
    source = AudioSource(publisher=2, ssrc=5, mid="0")
    for _ in range(3):
        receiver.take_datagram(protect(source.next(1)[0]), 1)
    receiver.clear()
    receiver.take_datagram(protect(source.next(1)[0]), 1)
    log = receiver.logs[5]
    assert [(sample.place, sample.counter) for sample in log.samples] == [(0, 3)]
    assert log.received == 4


def test_what_is_not_rtp_goes_to_its_own_reader() -> None:
    receiver, control, rtcp = receiver_with(keys())
    for datagram in (b"\x01" + bytes(20), b"\x16" + bytes(20), b"\x80\xc9" + bytes(20), b""):
        receiver.take_datagram(datagram, 1)
    assert control == [b"\x01" + bytes(20), b"\x16" + bytes(20)]
    assert rtcp == [b"\x80\xc9" + bytes(20)]
    assert receiver.packets == 0


def test_a_batch_is_read_by_one_call_with_the_kernels_arrival_times() -> None:
    shared = keys()
    receiver, control, rtcp = receiver_with(shared, sample_every=1)
    protect = outbound_session(shared).protect
    source = AudioSource(publisher=2, ssrc=5, mid="0")
    reader = BatchReader()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        near.bind(("127.0.0.1", 0))
        near.setblocking(False)
        enable_arrival_times(near)
        far.connect(near.getsockname())
        assert reader.read(near.fileno()) == 0
        for size in (3, 70):
            for _ in range(size):
                far.send(protect(source.next(time.time_ns())[0]))
            far.send(b"\x01" + bytes(20))
            far.send(b"\x80\xc9" + bytes(20))
            while count := reader.read(near.fileno()):
                receiver.take_batch(reader, count)
                reader.rearm(count)
    assert receiver.packets == 73
    assert (len(control), len(rtcp)) == (2, 2)
    assert control[1] == b"\x01" + bytes(20)
    samples = receiver.logs[5].samples
    assert len(samples) == 73
    assert all(0 <= sample.latency_ns <= sample.read_latency_ns for sample in samples)
    assert any(sample.latency_ns < sample.read_latency_ns for sample in samples)
