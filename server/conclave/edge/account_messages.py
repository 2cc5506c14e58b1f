"""Bodies of the account API, as they stand in the OpenAPI document. Unknown fields are refused. Times are Unix seconds."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from conclave.model.accounts import Account, SignIn, SignInKind, SystemPermission, SystemRole
from conclave.model.roles import Role
from conclave.policy.system_rbac import permissions_of

BEARER = "Bearer"

Username = Annotated[str, Meta(min_length=1, max_length=256)]
Email = Annotated[str, Meta(max_length=254)]
Password = Annotated[str, Meta(min_length=1, max_length=1_024)]
JsonWebToken = Annotated[str, Meta(min_length=1, max_length=4_096)]
MeetingTitle = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^(?![\s\S]*[\u0000-\u001f\u007f-\u009f])")]


class Body(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request's body. It may hold a password or a token, so it prints no field."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Register(Body, frozen=True):
    """`registration` is an administrator's token, where registration is for the invited."""

    username: Username
    password: Password
    email: Email = ""
    registration: JsonWebToken | None = None


class LogIn(Body, frozen=True):
    """`browser` asks for a cookie in place of a refresh token."""

    username: Username
    password: Password
    browser: bool = False


class Refresh(Body, frozen=True):
    refresh_token: JsonWebToken


class RevokeToken(Body, frozen=True):
    """An access or a refresh token of one's own; of a refresh token the whole family ends."""

    token: JsonWebToken


class ChangePassword(Body, frozen=True):
    current_password: Password
    new_password: Password


class MakeMeeting(Body, frozen=True):
    title: MeetingTitle


class ShareMeeting(Body, frozen=True):
    role: Role = Role.PARTICIPANT


class ShareWith(Body, frozen=True):
    """The account is named as its owner tells it."""

    username: Username
    role: Role = Role.PARTICIPANT


class MakeInvitation(Body, frozen=True):
    """`shared` false: a personal link, for one person; its `label` is suggested to them as their name."""

    role: Role = Role.PARTICIPANT
    expires_in_s: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 86_400
    shared: bool = False
    uses: Annotated[int, Meta(ge=0, le=10_000)] = 0
    label: Annotated[str, Meta(max_length=64)] = ""


class RevokeInvitation(Body, frozen=True):
    """With `remove` whoever came by it is removed too."""

    remove: bool = False


class ChangeUser(Body, frozen=True):
    """What is absent stays as it is."""

    role: SystemRole | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    grants: frozenset[SystemPermission] | UnsetType = UNSET


class InviteUser(Body, frozen=True):
    role: SystemRole = SystemRole.USER
    expires_in_s: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 7 * 86_400


class UserView(Struct, frozen=True):
    """An account as its owner and administrators see it. `permissions` is what role and grants come to."""

    user_id: str
    username: str
    email: str
    role: SystemRole
    grants: list[SystemPermission]
    permissions: list[SystemPermission]
    active: bool
    created_at_s: float

    @classmethod
    def of(cls, account: Account) -> "UserView":
        permissions = sorted(permissions_of(account))
        return cls(
            account.user_id, account.username, account.email, account.role, sorted(account.grants), permissions,
            account.active, account.created_at_s,
        )  # fmt: skip


class UserList(Struct, frozen=True):
    """`next` is the `after` of the next page, null on the last."""

    users: list[UserView]
    next: str | None


class AboutView(Struct, frozen=True, kw_only=True):
    """What a page must know before anybody signs in.

    open_creation: whether anybody may start a meeting; lock_failures: after how many wrong passwords a name is locked, for
    lock_s seconds.
    """

    registration: Literal["open", "invited", "closed"]
    open_creation: bool
    lock_failures: int
    lock_s: int


class SignedIn(Struct, frozen=True, kw_only=True):
    """A browser gets `csrf_token` for its X-CSRF-Token headers, everybody else `refresh_token`."""

    user: UserView
    sign_in_id: str
    access_token: str
    expires_in_s: int
    token_type: str = BEARER
    refresh_token: str | None = None
    csrf_token: str | None = None

    def __repr__(self) -> str:
        return f"SignedIn({self.sign_in_id})"


class AccessTokenView(Struct, frozen=True):
    access_token: str
    expires_in_s: int
    token_type: str = BEARER

    def __repr__(self) -> str:
        return "AccessTokenView()"


class SessionView(Struct, frozen=True):
    user: UserView
    sign_in_id: str
    csrf_token: str | None


class SignInView(Struct, frozen=True):
    sign_in_id: str
    kind: SignInKind
    created_at_s: float
    used_at_s: float
    current: bool

    @classmethod
    def of(cls, sign_in: SignIn, current: str) -> "SignInView":
        return cls(sign_in.sign_in_id, sign_in.kind, sign_in.created_at_s, sign_in.used_at_s, sign_in.sign_in_id == current)


class SignInList(Struct, frozen=True):
    sign_ins: list[SignInView]


class MeetingView(Struct, frozen=True):
    """`role` is what the caller gets by `link`; null for an administrator who has no part in it. `owner` is a username.

    `present`: how many are in it now, null while it is not open.
    """

    meeting_id: str
    title: str
    owner_id: str
    owner: str
    owned: bool
    role: Role | None
    created_at_s: float
    present: int | None


class MeetingList(Struct, frozen=True):
    meetings: list[MeetingView]


class LinkView(Struct, frozen=True):
    """A personal invitation. `path` is for people, with the token in the fragment."""

    role: Role
    token: str
    path: str
    expires_at_s: int

    def __repr__(self) -> str:
        return f"LinkView({self.role})"


class MadeInvitation(Struct, frozen=True):
    """`path` is for people, with the token in the fragment. It is not shown again."""

    jti: str
    token: str
    path: str
    expires_at_s: int

    def __repr__(self) -> str:
        return f"MadeInvitation({self.jti})"


class ShareView(Struct, frozen=True):
    user_id: str
    username: str
    role: Role


class ShareList(Struct, frozen=True):
    shares: list[ShareView]


class RegistrationView(Struct, frozen=True):
    token: str
    role: SystemRole
    expires_at_s: int

    def __repr__(self) -> str:
        return f"RegistrationView({self.role})"
