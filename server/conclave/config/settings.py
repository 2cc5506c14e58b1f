"""All settings of a server, typed, with their defaults. `config.loading` fills them from a file and the environment.

A default is the safe choice: loopback only, nobody may open a meeting without a token, metrics for loopback only.
Units stand in the names; paths are relative to the working directory.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Port = Annotated[int, Meta(ge=0, le=65_535)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]


MAX_LANES = 4
"""Lanes of a server that is not told how many, on a machine with as many CPU cores or more."""


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the settings file."""


class ListenSettings(Section, frozen=True):
    """The HTTPS and WSS listener. Port 0 asks for a free one; the certificate file holds the whole chain, leaf first (PEM)."""

    host: str = "127.0.0.1"
    port: Port = 8443
    tls_certificate: str = "certs/server.pem"
    tls_key: str = "certs/server.key"
    backlog: Count = 1024


class MediaSettings(Section, frozen=True):
    """The packet plane. Lane n listens on `ports[n]`, or on `first_port + n` when `ports` is empty (0: any free port).

    announced_addresses: the IP addresses that go out as candidates; clients must reach them.
    lanes: 0 means one per CPU core, at most four.
    """

    host: str = "127.0.0.1"
    announced_addresses: tuple[str, ...] = ("127.0.0.1",)
    first_port: Port = 44_300
    ports: tuple[Port, ...] = ()
    lanes: Annotated[int, Meta(ge=0, le=64)] = 0


class MeetingSettings(Section, frozen=True):
    """open_creation: anybody who can reach the server may open a meeting (for development only).

    waiting_room: new meetings begin with it on, so that by a link which can be passed on nobody comes in unseen; their hosts can
    switch it off.
    """

    open_creation: bool = False
    waiting_room: bool = True
    max_meetings: Count = 1_000
    max_participants: Count = 500
    max_tracks_per_participant: Annotated[int, Meta(ge=1, le=64)] = 8
    resume_grace_s: Seconds = 30.0
    invitation_lifetime_s: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 86_400


class SecuritySettings(Section, frozen=True):
    """allowed_origins: further web origins that may open WebSockets ("https://meet.example"); the server's own always may.

    service_token: bearer token that may open meetings over HTTP; "" means nobody has one. At least 32 characters.
    Limits are per source: an IPv4 address or an IPv6 /64 network.
    """

    allowed_origins: tuple[str, ...] = ()
    service_token: str = ""
    max_connections: Count = 10_000
    max_connections_per_source: Count = 256
    connects_per_s_per_source: Count = 20
    creations_per_min_per_source: Count = 10


class SignalingSettings(Section, frozen=True):
    """Budgets of one WebSocket connection."""

    messages_per_s: Count = 60
    message_burst: Count = 200
    max_frames_per_message: Count = 64
    message_assembly_s: Seconds = 10.0
    hello_timeout_s: Seconds = 10.0
    heartbeat_s: Seconds = 15.0
    send_timeout_s: Seconds = 10.0
    outbox_messages: Count = 4_096
    outbox_bytes: Annotated[int, Meta(ge=65_536, le=64_000_000)] = 2_097_152


class TelemetrySettings(Section, frozen=True):
    """log_file "" writes to standard error. metrics_token lets others than loopback read /metrics.

    audit_fsync: True forces each audit record to the disk before its effect becomes visible. audit_file_bytes: at this size, and
    once a day, the audit log begins a new file; nothing deletes the old ones.
    """

    log_level: str = "info"
    log_file: str = ""
    metrics_token: str = ""
    audit_fsync: bool = True
    audit_file_bytes: Annotated[int, Meta(ge=65_536, le=2**40)] = 64 * 1024 * 1024


class StateSettings(Section, frozen=True):
    """directory holds the invitation key and the audit log; it must be accessible to the server's user alone."""

    directory: str = "var"


class ClientSettings(Section, frozen=True):
    """directory of the static web client; "" serves none."""

    directory: str = "client_demo"


class AccountSettings(Section, frozen=True):
    """registration: who may make an account; `invited` needs a token from an administrator.

    signing_algorithm: EdDSA and ES256 sign with a key in the state directory; HS256 with `token_secret`, for deployments that
    have one secret and accept that whoever verifies tokens can also make them.
    """

    registration: Literal["open", "invited", "closed"] = "closed"
    signing_algorithm: Literal["EdDSA", "ES256", "HS256"] = "EdDSA"
    token_secret: str = ""
    access_lifetime_s: Annotated[int, Meta(ge=60, le=3_600)] = 1_800
    refresh_lifetime_s: Annotated[int, Meta(ge=600, le=30 * 86_400)] = 7 * 86_400
    sign_in_lifetime_s: Annotated[int, Meta(ge=600, le=365 * 86_400)] = 30 * 86_400
    browser_idle_s: Annotated[int, Meta(ge=60, le=7 * 86_400)] = 8 * 3_600
    browser_lifetime_s: Annotated[int, Meta(ge=600, le=30 * 86_400)] = 7 * 86_400
    lock_failures: Annotated[int, Meta(ge=1, le=100)] = 5
    lock_failures_per_source: Annotated[int, Meta(ge=1, le=100_000)] = 30
    lock_s: Annotated[int, Meta(ge=1, le=86_400)] = 900
    hash_workers: Annotated[int, Meta(ge=1, le=64)] = 2
    hash_queue: Count = 64
    requests_per_s_per_source: Count = 20
    registrations_per_hour_per_source: Count = 10
    meetings_per_account: Count = 200


class TurnSettings(Section, frozen=True):
    """An external TURN server (coturn with use-auth-secret) for clients whose networks let neither UDP nor our TCP ports through.

    urls: turn: and turns: URIs as clients reach it; none: clients are given no server. secret: shared with it, at least 32
    characters; lifetime_s: how long a client may use the credentials of one `welcome`.
    """

    urls: tuple[str, ...] = ()
    secret: str = ""
    lifetime_s: Annotated[int, Meta(ge=60, le=7 * 86_400)] = 12 * 3_600


class StoreSettings(Section, frozen=True):
    """url: postgresql://USER:PASSWORD@HOST/DATABASE, or sqlite:///PATH; "" is a file in the state directory."""

    url: str = ""


class Settings(Section, frozen=True):
    """The whole file: one table per section."""

    listen: ListenSettings = ListenSettings()
    media: MediaSettings = MediaSettings()
    meetings: MeetingSettings = MeetingSettings()
    security: SecuritySettings = SecuritySettings()
    signaling: SignalingSettings = SignalingSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    state: StateSettings = StateSettings()
    client: ClientSettings = ClientSettings()
    accounts: AccountSettings = AccountSettings()
    store: StoreSettings = StoreSettings()
    turn: TurnSettings = TurnSettings()


TOKENS = frozenset({"security.service_token", "telemetry.metrics_token", "accounts.token_secret", "turn.secret"})
"""Secrets that nobody may guess, so that their length counts."""

SECRETS = TOKENS | {"store.url"}
"""Keys that may come from a file named by CONCLAVE_<SECTION>__<KEY>_FILE, and that are never printed."""
