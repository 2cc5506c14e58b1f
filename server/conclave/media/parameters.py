"""What two ends of a media transport must know of each other (RFC 8445, RFC 8842, RFC 8122)."""

from msgspec import Struct


class Fingerprint(Struct, frozen=True):
    """a=fingerprint: `algorithm` in lower case ("sha-256"), `value` as upper-case hex pairs with colons."""

    algorithm: str
    value: str


class Candidate(Struct, frozen=True):
    """A host candidate of ours. `transport` is "udp" or "tcp" (RFC 6544, passive)."""

    transport: str
    host: str
    port: int


class LocalTransportParameters(Struct, frozen=True):
    """Our side: ICE-lite credentials, certificate fingerprint, candidates (best first)."""

    ice_ufrag: str
    ice_pwd: str
    fingerprint: Fingerprint
    candidates: tuple[Candidate, ...]

    def __repr__(self) -> str:
        return f"LocalTransportParameters({self.ice_ufrag})"


class RemoteTransportParameters(Struct, frozen=True):
    """The peer's side as signaled. `setup` is its a=setup value: "actpass", "active" or "passive"."""

    ice_ufrag: str
    ice_pwd: str
    fingerprints: tuple[Fingerprint, ...]
    setup: str

    def __repr__(self) -> str:
        return f"RemoteTransportParameters({self.ice_ufrag}, {self.setup})"
