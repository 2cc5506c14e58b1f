"""Accounts: who may use this server, what they are in it, and where they are signed in. Times are Unix seconds."""

from enum import StrEnum
from typing import NewType

from msgspec import Struct

from conclave.model.ids import MeetingId
from conclave.model.roles import Role

UserId = NewType("UserId", str)
SignInId = NewType("SignInId", str)


class SystemRole(StrEnum):
    """What an account is in the system (spec, section 2); a role in a meeting is another thing."""

    ADMIN = "admin"
    USER = "user"
    VIEWER = "viewer"
    SERVICE = "service"


class SystemPermission(StrEnum):
    """A right in the system."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    ADMIN = "admin"
    UPLOAD = "upload"
    PROCESS = "process"


class Relation(StrEnum):
    """How an account stands to a resource; `none` also where the resource does not exist."""

    OWNER = "owner"
    SHARED = "shared"
    NONE = "none"


class Account(Struct, frozen=True, kw_only=True):
    """`grants` are rights beyond those of the role. Access tokens of another `epoch` than this one are void."""

    user_id: UserId
    username: str
    email: str = ""
    password_hash: str
    role: SystemRole
    grants: frozenset[SystemPermission] = frozenset()
    active: bool = True
    epoch: int = 0
    created_at_s: float

    def __repr__(self) -> str:
        return f"Account({self.user_id})"


class SignInKind(StrEnum):
    """`tokens`: a family of refresh tokens; `browser`: a cookie."""

    TOKENS = "tokens"
    BROWSER = "browser"


class SignIn(Struct, frozen=True, kw_only=True):
    """One log-in and all that came of it.

    proof: the `jti` of the one refresh token that is not spent, or the SHA-256 of the cookie in hexadecimal digits;
    valid_until_s: when the proof expires unless it is used before; ends_at_s: when it ends whatever happens.
    """

    sign_in_id: SignInId
    user_id: UserId
    kind: SignInKind
    proof: str
    created_at_s: float
    used_at_s: float
    valid_until_s: float
    ends_at_s: float

    def __repr__(self) -> str:
        return f"SignIn({self.sign_in_id})"


class RevocationKind(StrEnum):
    """What is revoked: one token by `jti`, all tokens of a sign-in, or all of a user's that are older than an epoch."""

    TOKEN = "token"  # noqa: S105 # a kind, not a token
    SIGN_IN = "sign_in"
    USER = "user"


class Revocation(Struct, frozen=True):
    """`epoch` counts for users alone: tokens of a lower one are void. After `expires_at_s` nothing it revokes is valid anyway."""

    kind: RevocationKind
    subject: str
    expires_at_s: float
    epoch: int = 0


class Attempts(Struct, frozen=True):
    """Failed log-ins of one identifier, known as a keyed hash: how many since `since_s`, and until when it is locked."""

    key: str
    failures: int
    since_s: float
    locked_until_s: float = 0.0


class OwnedMeeting(Struct, frozen=True, kw_only=True):
    """A meeting that belongs to an account, whether it is open now or not."""

    meeting_id: MeetingId
    owner_id: UserId
    title: str
    created_at_s: float


class Share(Struct, frozen=True):
    """`role` is what the account gets in the meeting."""

    meeting_id: MeetingId
    user_id: UserId
    role: Role
