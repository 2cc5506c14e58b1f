"""DTLS records and the flight of them that may have to be sent again (RFC 6347 sections 4.1 and 4.2.4).

Record header, 13 bytes, network order: 8 bits content type, 16 bits version, 16 bits epoch, 48 bits sequence number,
16 bits length. Records of epoch 0 are in the clear, so a repeated flight gets fresh sequence numbers and is not
mistaken for a replay; what is encrypted is bound to its number and is sent again as it was.
"""

from struct import Struct as Layout
from typing import NamedTuple

MTU_BYTES = 1200
RECORD_HEADER_BYTES = 13
MESSAGE_HEADER_BYTES = 12
FIRST_RESEND_S = 0.3
MAX_RESEND_S = 3.0
MIN_RESEND_S = 0.05

_RECORD = Layout("!BHHHIH")


class Record(NamedTuple):
    """Where one record lies in a datagram."""

    content_type: int
    epoch: int
    start: int
    end: int


def split_records(data: bytes) -> list[Record]:
    """Return the records of a datagram. Raises ValueError when they do not fill it exactly."""
    records = []
    offset = 0
    while offset < len(data):
        if offset + RECORD_HEADER_BYTES > len(data):
            raise ValueError("truncated record header")
        content_type, version, epoch, _, _, length = _RECORD.unpack_from(data, offset)
        end = offset + RECORD_HEADER_BYTES + length
        if version >> 8 != 0xFE or end > len(data):
            raise ValueError("no DTLS record")
        records.append(Record(content_type, epoch, offset, end))
        offset = end
    return records


def longest_message(data: bytes, record: Record) -> int:
    """Return the greatest length that handshake messages in a plain record announce, whatever is there of them.

    Message header, 12 bytes: 8 bits type, 24 bits length, 16 bits number, 24 bits offset and 24 bits length of the fragment.
    """
    longest = 0
    offset = record.start + RECORD_HEADER_BYTES
    while offset + MESSAGE_HEADER_BYTES <= record.end:
        longest = max(longest, int.from_bytes(data[offset + 1 : offset + 4], "big"))
        offset += MESSAGE_HEADER_BYTES + int.from_bytes(data[offset + 9 : offset + 12], "big")
    return longest


class FlightSender:
    """Packs records into datagrams and can send the last flight again (RFC 6347 section 4.2.4)."""

    def __init__(self) -> None:
        self.resend_at: float | None = None
        self._flight: list[bytes] = []
        self._wait_s = FIRST_RESEND_S
        self._sent_at = 0.0
        self._plain_sequence = 0
        self._datagrams: list[bytes] = []

    @property
    def has_flight(self) -> bool:
        return bool(self._flight)

    def take(self) -> list[bytes]:
        datagrams, self._datagrams = self._datagrams, []
        return datagrams

    def send_flight(self, output: bytes, now: float) -> None:
        """Send whole records that the library made; they are the flight to repeat from now on."""
        self._flight = [output[record.start : record.end] for record in split_records(output)]
        self._wait_s = FIRST_RESEND_S
        self._send(now)

    def back_off(self, now: float) -> None:
        self._wait_s = min(self._wait_s * 2, MAX_RESEND_S)
        self._send(now)

    def repeat(self, now: float) -> None:
        """Send the flight again because the peer asks, but not more often than every 50 ms."""
        if now - self._sent_at >= MIN_RESEND_S:
            timed = self.resend_at is not None
            self._send(now)
            self.resend_at = self.resend_at if timed else None

    def stop_timer(self, *, keep_flight: bool) -> None:
        self.resend_at = None
        if not keep_flight:
            self._flight = []

    def _send(self, now: float) -> None:
        datagram = b""
        for record in self._flight:
            fresh = self._renumbered(record)
            if datagram and len(datagram) + len(fresh) > MTU_BYTES:
                self._datagrams.append(datagram)
                datagram = b""
            datagram += fresh
        if datagram:
            self._datagrams.append(datagram)
        self._sent_at = now
        self.resend_at = now + self._wait_s

    def _renumbered(self, record: bytes) -> bytes:
        """Return a record with the next sequence number if it is of epoch 0; later ones are bound to theirs."""
        if record[3:5] != b"\0\0":
            return record
        fresh = record[:5] + self._plain_sequence.to_bytes(6, "big") + record[11:]
        self._plain_sequence += 1
        return fresh
