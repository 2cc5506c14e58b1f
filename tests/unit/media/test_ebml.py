import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.media import ebml
from conclave.media.ebml import EbmlError


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "80"), (1, "81"), (126, "fe"), (127, "407f"), (16_382, "7ffe"), (16_383, "203fff")],
)
def test_sizes_take_as_few_octets_as_hold_them_and_are_never_all_ones(value: int, written: str) -> None:
    assert ebml.vint(value).hex() == written


@given(st.lists(st.tuples(st.sampled_from([0xA3, 0x4282, 0x2AD7B1, 0x1654AE6B]), st.binary(max_size=300)), max_size=8))
def test_what_is_written_is_read_back(elements: list[tuple[int, bytes]]) -> None:
    data = b"".join(ebml.element(number, body) for number, body in elements)
    assert list(ebml.children(data)) == elements


def test_an_unknown_size_is_none() -> None:
    found = ebml.read_element(bytes.fromhex("18538067") + ebml.UNKNOWN_SIZE, 0)
    assert found is not None
    assert (found.number, found.size, found.start) == (0x18538067, None, 12)


@pytest.mark.parametrize("data", [b"", b"\x1a", b"\x1a\x45\xdf\xa3", b"\xa3\x41"])
def test_a_head_that_is_not_all_there_is_waited_for(data: bytes) -> None:
    assert ebml.read_element(data, 0) is None


@pytest.mark.parametrize("data", [b"\x00\x81\x00", b"\x08\x81", b"\xa3\x00\x00"])
def test_ids_and_sizes_that_are_too_long_are_refused(data: bytes) -> None:
    with pytest.raises(EbmlError):
        ebml.read_element(data, 0)


@given(st.binary(max_size=60))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    try:
        list(ebml.children(data))
    except EbmlError:
        return


def test_numbers_and_texts_have_their_octets() -> None:
    assert ebml.uint(0xD7, 1).hex() == "d78101"
    assert ebml.uint(0xD7, 0).hex() == "d78100"
    assert ebml.uint(0xF1, 5, 8).hex() == "f1880000000000000005"
    assert ebml.real(0x4489, 1.5).hex() == "4489883ff8000000000000"
    assert ebml.text(0x4282, "webm") == b"\x42\x82\x84webm"
