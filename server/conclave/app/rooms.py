"""Gives each meeting its media: a lane, the candidates of that lane, a certificate that rotates."""

from collections.abc import Sequence
from ipaddress import ip_address
from itertools import cycle

from conclave.media.certificate import CertificateRotation
from conclave.media.parameters import Candidate
from conclave.media.room import MediaRoom, RoomLimits
from conclave.model.ids import Entropy, MeetingId
from conclave.plane.plane import LaneAddress


class Rooms:
    """Opens a MediaRoom per meeting, on the lanes in turn."""

    def __init__(self, lanes: Sequence[LaneAddress], announced: Sequence[str], entropy: Entropy, limits: RoomLimits) -> None:
        """`announced` are IP addresses. Raises ValueError when one is none."""
        addresses = [str(ip_address(address)) for address in announced]
        self._candidates = [candidates_of(addresses, lane.port) for lane in lanes]
        self._lanes = cycle(range(len(lanes)))
        self._certificates = CertificateRotation(entropy)
        self._entropy = entropy
        self._limits = limits

    def open(self, _meeting_id: MeetingId) -> MediaRoom:
        lane = next(self._lanes)
        return MediaRoom(lane, self._candidates[lane], self._certificates.current, self._entropy, self._limits)


def candidates_of(addresses: Sequence[str], port: int) -> tuple[Candidate, ...]:
    """Return the host candidates of a lane: UDP before TCP, addresses in the order given."""
    return tuple(Candidate(transport, address, port) for transport in ("udp", "tcp") for address in addresses)
