import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.media.bits import BitReader, OutOfBits, read_leb128, write_leb128


def test_bits_are_read_from_the_most_significant_on() -> None:
    bits = BitReader(b"\xa5\x0f")
    assert [bits.read(4), bits.flag(), bits.read(3), bits.read(8)] == [0xA, False, 5, 0x0F]


def test_reading_beyond_the_end_is_an_error() -> None:
    bits = BitReader(b"\xff")
    bits.read(7)
    with pytest.raises(OutOfBits):
        bits.read(2)


@pytest.mark.parametrize(("code", "number"), [(0b1, 0), (0b010, 1), (0b011, 2), (0b00100, 3), (0b00111, 6)])
def test_exponential_golomb_codes_are_those_of_the_standard(code: int, number: int) -> None:
    length = 2 * ((number + 1).bit_length() - 1) + 1
    assert BitReader((code << 16 - length).to_bytes(2, "big")).exp_golomb() == number


def test_signed_codes_alternate_around_zero() -> None:
    codes = [b"\x80", b"\x40", b"\x60", b"\x20", b"\x28"]
    assert [BitReader(code).signed_exp_golomb() for code in codes] == [0, 1, -1, 2, -2]


def test_a_code_of_zeros_alone_ends() -> None:
    with pytest.raises(OutOfBits):
        BitReader(bytes(16)).exp_golomb()


@given(st.integers(0, 2**56 - 1))
def test_leb128_is_its_own_inverse(number: int) -> None:
    written = write_leb128(number)
    assert read_leb128(b"\x00" + written + b"\xff", 1) == (number, 1 + len(written))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9])
def test_a_leb128_without_an_end_is_an_error(data: bytes) -> None:
    with pytest.raises(OutOfBits):
        read_leb128(data, 0)
