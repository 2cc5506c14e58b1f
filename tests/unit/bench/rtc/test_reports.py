from array import array

from bench.rtc.receiver import Receiver, StreamLog
from bench.rtc.reports import Reports, advance_of
from bench.rtc.rtcp import SENDER_REPORT, Part, parts
from hypothesis import given
from hypothesis import strategies as st


def receiver_of(numbers: list[int]) -> tuple[Receiver, StreamLog]:
    receiver = Receiver(lambda _: None, lambda _: None)
    log = receiver.logs[5] = StreamLog(5, 96)
    log.seqs = array("H", numbers)
    return receiver, log


def block(compound: bytes | None) -> tuple[int, int, int, int, int]:
    """(fraction lost, packets lost, highest, lsr, dlsr) of the only block."""
    assert compound is not None
    body = next(parts(compound)).body
    words = [int.from_bytes(body[place : place + 4], "big") for place in range(0, 24, 4)]
    return words[1] >> 24, words[1] & 0xFFFFFF, words[2], words[4], words[5]


def test_nothing_is_reported_before_something_came() -> None:
    receiver = Receiver(lambda _: None, lambda _: None)
    assert Reports(receiver, 1).compound() is None


def test_loss_is_reported_for_the_time_since_the_last_report() -> None:
    receiver, log = receiver_of([number for number in range(100) if number % 4])
    reports = Reports(receiver, 1)
    fraction, lost, highest, _, _ = block(reports.compound())
    assert (lost, highest) == (24, 99)
    assert fraction == 256 * 24 // 99
    log.clear()
    log.seqs = array("H", range(100, 200))
    assert block(reports.compound())[:3] == (0, 24, 199)


def test_the_highest_number_goes_on_past_the_largest() -> None:
    receiver, log = receiver_of([65_530])
    reports = Reports(receiver, 1)
    reports.compound()
    log.seqs.extend([65_535, 0, 1])
    assert block(reports.compound())[2] == 65_537


def test_the_last_sender_report_is_echoed() -> None:
    receiver, _ = receiver_of([1])
    reports = Reports(receiver, 1)
    assert block(reports.compound())[3:] == (0, 0)
    reports.take_rtcp(Part(SENDER_REPORT, 0, 5, bytes.fromhex("0011223344556677") + bytes(12)))
    lsr, dlsr = block(reports.compound())[3:]
    assert lsr == 0x22334455
    assert dlsr < 65_536 * 60


@given(previous=st.integers(0, 65_535), step=st.integers(-0x8000, 0x7FFF))
def test_only_numbers_ahead_advance(previous: int, step: int) -> None:
    assert advance_of(previous, previous + step & 0xFFFF) == max(step, 0)
