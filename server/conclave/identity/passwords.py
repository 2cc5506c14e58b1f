"""Password hashes: Argon2id (RFC 9106) is made; PBKDF2-SHA256 (RFC 8018) of earlier systems is verified and replaced.

An Argon2id hash is a PHC string. PBKDF2 is read as `pbkdf2_sha256$<iterations>$<salt>$<base64>` or as
`$pbkdf2-sha256$<iterations>$<salt>$<hash>` with both in unpadded base64 that writes . for +.
Everything here takes tens of milliseconds of a core and must run in a bounded executor.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from hashlib import pbkdf2_hmac
from hmac import compare_digest

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from msgspec import Struct

from conclave.identity.password_rules import prepare
from conclave.model.errors import ConclaveError
from conclave.model.ids import Entropy

SALT_BYTES = 16
HASH_BYTES = 32
MAX_PBKDF2_ITERATIONS = 5_000_000


class Cost(Struct, frozen=True):
    """OWASP's first choice for Argon2id."""

    time: int = 2
    memory_kib: int = 19_456
    parallelism: int = 1


class WrongPassword(ConclaveError):
    """The password is not the one that the hash was made of."""

    def __init__(self) -> None:
        super().__init__("wrong password")


class Passwords:
    """Makes and verifies hashes. `operations` counts how often the whole work was done, whatever came of it."""

    def __init__(self, entropy: Entropy, cost: Cost | None = None) -> None:
        cost = cost or Cost()
        self._entropy = entropy
        self._argon2 = PasswordHasher(cost.time, cost.memory_kib, cost.parallelism, hash_len=HASH_BYTES, salt_len=SALT_BYTES)
        self._nobody = self.hash(entropy(SALT_BYTES).hex())
        self.operations = 0

    def hash(self, password: str) -> str:
        """Return a new hash."""
        return self._argon2.hash(prepare(password), salt=self._entropy(SALT_BYTES))

    def verify(self, stored: str | None, password: str) -> str | None:
        """Return None, or a better hash to keep in place of `stored`. Raises WrongPassword.

        Without a hash the work is the same and the password is wrong, so that time does not tell who exists.
        """
        self.operations += 1
        if stored is not None and "pbkdf2" in stored[:16]:
            _verify_pbkdf2(stored, prepare(password))
            return self.hash(password)
        try:
            self._argon2.verify(self._nobody if stored is None else stored, prepare(password))
        except InvalidHashError:
            return self.verify(None, password)
        except Argon2Error:
            raise WrongPassword from None
        if stored is None:
            raise WrongPassword
        return self.hash(password) if self._argon2.check_needs_rehash(stored) else None


def _verify_pbkdf2(stored: str, password: str) -> None:
    parts = stored.split("$")
    try:
        if parts[0] == "pbkdf2_sha256":
            _, count, salt_text, digest = parts
            salt, expected = salt_text.encode(), b64decode(digest, validate=True)
        else:
            _, _, count, salt_text, digest = parts
            salt, expected = _unpadded(salt_text), _unpadded(digest)
        iterations = int(count)
    except (ValueError, NotBase64):
        raise WrongPassword from None
    if not (1 <= iterations <= MAX_PBKDF2_ITERATIONS and len(expected) == HASH_BYTES):
        raise WrongPassword
    if not compare_digest(pbkdf2_hmac("sha256", password.encode(), salt, iterations), expected):
        raise WrongPassword


def _unpadded(text: str) -> bytes:
    plain = text.replace(".", "+")
    return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
