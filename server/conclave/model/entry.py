"""What is known of the ways into a meeting beyond the process: who was removed or demoted, how far invitations are used."""

from msgspec import Struct

from conclave.model.roles import Role


class Ban(Struct, frozen=True, kw_only=True):
    """`whole`: every newcomer by this invitation, on this device, or from this network; else by this personal link, on this
    device, or by this shared link from this network. What is unknown ("" and b"") bars nobody. Times are Unix seconds.

    The network, a keyed hash, counts until `source_until_s` and is never written down, since its key is not either.
    """

    jti: str
    personal: bool
    device_id: str
    source_hash: bytes = b""
    whole: bool
    until_s: float
    source_until_s: float = 0.0


class Demotion(Struct, frozen=True, kw_only=True):
    """`role` is what hosts left of an invitation's role, `host` where they left all again: for everybody by this link if it is
    personal, else on this device or from this network. What is unknown ("" and b"") means nobody. Times are Unix seconds.

    The network, a keyed hash, counts until `source_until_s` and is never written down, since its key is not either.
    """

    jti: str
    personal: bool
    device_id: str
    source_hash: bytes = b""
    role: Role
    until_s: float
    source_until_s: float = 0.0


class InvitationRecord(Struct, frozen=True, kw_only=True):
    """An invitation that was made in a meeting or for an account, or has been used. Times are Unix seconds.

    uses: how often somebody came in by it; device_id: the first device that came by a personal one; user_id: the account whose
    own link it is, "" where it is nobody's; made_by: the participant who made it in the meeting.
    """

    jti: str
    role: Role
    seats: int
    max_uses: int
    issued_at_s: int
    expires_at_s: int
    label: str = ""
    uses: int = 0
    device_id: str = ""
    user_id: str = ""
    made_by: str = ""


Fact = Ban | Demotion | InvitationRecord


class Remembered(Struct, frozen=True):
    """All that is known of one meeting and still matters."""

    bans: tuple[Ban, ...] = ()
    invitations: tuple[InvitationRecord, ...] = ()
    demotions: tuple[Demotion, ...] = ()
