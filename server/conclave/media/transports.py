"""The media transports of one meeting: made alike, known by their id, opened and closed by command."""

from collections.abc import Callable

from conclave.media.certificate import DtlsCertificate
from conclave.media.commands import CloseTransport, OpenTransport, RestartIce
from conclave.media.notices import Effect, TransportStateChanged
from conclave.media.parameters import Candidate
from conclave.media.transport import MediaTransport, TransportState
from conclave.model.ids import Entropy, ParticipantId, TransportId, new_id

PUBLISHER = "publisher"
SUBSCRIBER = "subscriber"

CertificateSource = Callable[[float], DtlsCertificate]
"""Gives the certificate for a transport opened at `now`; see certificate.CertificateRotation.current."""


class Transports:
    """All of a meeting's live on one lane. What happens to them goes to `effects`."""

    def __init__(
        self,
        lane: int,
        candidates: tuple[Candidate, ...],
        certificates: CertificateSource,
        entropy: Entropy,
        effects: list[Effect],
    ) -> None:
        self._lane = lane
        self._candidates = candidates
        self._certificates = certificates
        self._entropy = entropy
        self._effects = effects
        self._owners: dict[TransportId, tuple[ParticipantId, str]] = {}

    def new(self, role_name: str, now: float) -> MediaTransport:
        """Make a transport; nobody knows of it before `open`."""
        return MediaTransport(
            TransportId(new_id(self._entropy)),
            role_name=role_name,
            lane=self._lane,
            candidates=self._candidates,
            certificate=self._certificates(now),
            entropy=self._entropy,
            now=now,
        )

    def open(self, participant_id: ParticipantId, transport: MediaTransport) -> None:
        self._owners[transport.transport_id] = (participant_id, transport.role_name)
        self._effects.append(OpenTransport(transport, self._lane))
        self._effects.append(TransportStateChanged(participant_id, transport.role_name, TransportState.CONNECTING))

    def restart_ice(self, transport: MediaTransport) -> None:
        self._effects.append(RestartIce(transport.transport_id, transport.restart_ice(self._entropy)))

    def close(self, transport: MediaTransport) -> None:
        del self._owners[transport.transport_id]
        self._effects.append(CloseTransport(transport.transport_id))

    def owner_of(self, transport_id: TransportId) -> tuple[ParticipantId, str] | None:
        """Return whose it is and its role, None when it is not open."""
        return self._owners.get(transport_id)
