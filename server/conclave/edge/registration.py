"""Who may make an account, and making it.

A taken username is told: the one who registers must learn it, and could find out by logging in. Registrations are few per
source, so that names cannot be tried in bulk; e-mail addresses are neither unique nor told.
"""

from collections.abc import Callable

from conclave.config.settings import AccountSettings
from conclave.edge.account_messages import Register
from conclave.edge.hashing import PasswordWorkers
from conclave.edge.sources import Allowance
from conclave.identity import password_rules
from conclave.identity.names import normalise_email, normalise_username
from conclave.identity.registration_tokens import RegistrationClaims, RegistrationTokens
from conclave.model.accounts import Account, RevocationKind, SystemPermission, SystemRole, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, new_id
from conclave.policy.limits import BucketSize
from conclave.policy.system_rbac import permissions_of
from conclave.ports.accounts import AccountStore, TokenRevocationStore
from conclave.ports.audit import AuditEvent, AuditSink


class RegistrationDesk:
    """Makes accounts as the settings allow."""

    def __init__(
        self,
        settings: AccountSettings,
        *,
        tokens: RegistrationTokens,
        accounts: AccountStore,
        spent: TokenRevocationStore,
        workers: PasswordWorkers,
        audit: AuditSink,
        entropy: Entropy,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.tokens = tokens
        self._settings = settings
        self._accounts = accounts
        self._spent = spent
        self._workers = workers
        self._audit = audit
        self._entropy = entropy
        self._wall = wall
        self._monotonic = monotonic
        per_hour = settings.registrations_per_hour_per_source
        self._allowance = Allowance(BucketSize(burst=per_hour, per_s=per_hour / 3_600))

    async def register(self, wish: Register, source: bytes) -> Account:
        """Make the account.

        Raises Refused: `forbidden` where registration is closed or needs a token, `unauthorized` for a token that is not
        good, `rate_limited`, `invalid` for a name, address or password that is none, `conflict` for a name that is taken.
        """
        claims = self._leave(wish)
        if not self._allowance.take(source, self._monotonic()):
            raise Refused(ErrorCode.RATE_LIMITED, "too many registrations from this network")
        username, email = normalise_username(wish.username), normalise_email(wish.email)
        password_rules.check(wish.password, username, email)
        await self._check_still(username, claims)
        password_hash = await self._workers.hash(wish.password)
        await self._check_still(username, claims)  # again: hashes are waited for, and much can change
        account = Account(
            user_id=UserId(new_id(self._entropy)),
            username=username,
            email=email,
            password_hash=password_hash,
            role=claims.role if claims is not None else SystemRole.USER,
            created_at_s=self._wall(),
        )
        if claims is not None and not await self._spent.spend(claims.jti, float(claims.exp)):
            raise _not_good()
        by = claims.sub if claims is not None else account.user_id
        details: dict[str, str | int | bool] = {"user_id": account.user_id, "role": account.role.value, "by": by}
        self._audit.record(AuditEvent(type="user_registered", details=details))
        await self._accounts.add(account)
        return account

    async def _check_still(self, username: str, claims: RegistrationClaims | None) -> None:
        if claims is not None:
            await self._check_leave(claims)
        if await self._accounts.by_username(username) is not None:
            raise Refused(ErrorCode.CONFLICT, "this username is taken")

    async def _check_leave(self, claims: RegistrationClaims) -> None:
        """Raise Refused (`unauthorized`) when it is spent, or its giver has lost the right or signed out everywhere since."""
        giver = await self._accounts.by_id(claims.sub)
        if giver is None or giver.epoch != claims.epoch or SystemPermission.ADMIN not in permissions_of(giver):
            raise _not_good()
        if await self._spent.is_kept(RevocationKind.TOKEN, claims.jti):
            raise _not_good()

    def _leave(self, wish: Register) -> RegistrationClaims | None:
        match self._settings.registration:
            case "open" if wish.registration is None:
                return None
            case "open" | "invited":
                if wish.registration is None:
                    raise Refused(ErrorCode.FORBIDDEN, "registration is for the invited; ask an administrator")
                return self.tokens.read(wish.registration, self._wall())
            case _:
                raise Refused(ErrorCode.FORBIDDEN, "registration is closed")


def _not_good() -> Refused:
    return Refused(ErrorCode.UNAUTHORIZED, "the registration is not good any more")
