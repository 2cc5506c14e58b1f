import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.media.dtls_flight import (
    FIRST_RESEND_S,
    MAX_RESEND_S,
    MIN_RESEND_S,
    MTU_BYTES,
    FlightSender,
    Record,
    longest_message,
    split_records,
)


def record(length: int, epoch: int = 0, number: int = 0, content_type: int = 22) -> bytes:
    head = bytes([content_type, 0xFE, 0xFD]) + epoch.to_bytes(2, "big") + number.to_bytes(6, "big")
    return head + length.to_bytes(2, "big") + bytes(length)


def test_records_are_found_where_they_lie() -> None:
    assert split_records(record(5) + record(0, epoch=1, content_type=23)) == [Record(22, 0, 0, 18), Record(23, 1, 18, 31)]


@pytest.mark.parametrize("data", [record(5)[:-1], record(5) + b"\x16", b"\x16\x03\x03" + bytes(10)])
def test_records_that_do_not_fill_a_datagram_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="record"):
        split_records(data)


@given(st.binary(max_size=200))
def test_the_longest_message_of_any_bytes_is_found_without_a_crash(body: bytes) -> None:
    data = record(len(body))[:13] + body
    assert longest_message(data, Record(22, 0, 0, len(data))) < 2**24


def test_the_longest_of_several_messages_counts_whatever_is_there_of_it() -> None:
    body = bytes([1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2]) + b"ab" + bytes([11, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]) + b"c"
    assert longest_message(bytes(13) + body, Record(22, 0, 0, 13 + len(body))) == 65_536


@given(st.lists(st.integers(0, 1100), min_size=1, max_size=12))
def test_a_flight_keeps_its_records_whole_and_in_order(lengths: list[int]) -> None:
    sender = FlightSender()
    sender.send_flight(b"".join(record(length) for length in lengths), 0.0)
    datagrams = sender.take()
    assert all(len(datagram) <= MTU_BYTES for datagram in datagrams)
    sent = [(found.end - found.start - 13) for datagram in datagrams for found in split_records(datagram)]
    assert sent == lengths


def test_plain_records_are_numbered_through_and_encrypted_ones_keep_their_number() -> None:
    sender = FlightSender()
    sender.send_flight(record(1) + record(1, number=1) + record(1, epoch=1, number=7), 0.0)
    sender.back_off(1.0)
    numbers = [
        (found.epoch, int.from_bytes(datagram[found.start + 5 : found.start + 11], "big"))
        for datagram in sender.take()
        for found in split_records(datagram)
    ]
    assert numbers == [(0, 0), (0, 1), (1, 7), (0, 2), (0, 3), (1, 7)]


def test_pauses_double_up_to_three_seconds() -> None:
    sender = FlightSender()
    sender.send_flight(record(1), 0.0)
    pauses = [sender.resend_at]
    for _ in range(6):
        sender.back_off(0.0)
        pauses.append(sender.resend_at)
    assert pauses == pytest.approx([FIRST_RESEND_S * factor for factor in (1, 2, 4, 8)] + [MAX_RESEND_S] * 3)


def test_a_peer_cannot_make_a_flight_be_repeated_faster_than_every_50_milliseconds() -> None:
    sender = FlightSender()
    sender.send_flight(record(1), 0.0)
    sender.take()
    sender.repeat(MIN_RESEND_S / 2)
    assert sender.take() == []
    sender.repeat(MIN_RESEND_S)
    assert len(sender.take()) == 1


def test_a_stopped_timer_stays_stopped_when_the_last_flight_is_repeated() -> None:
    sender = FlightSender()
    sender.send_flight(record(1), 0.0)
    sender.stop_timer(keep_flight=True)
    sender.repeat(1.0)
    assert sender.resend_at is None
    assert sender.has_flight
    sender.stop_timer(keep_flight=False)
    assert not sender.has_flight
