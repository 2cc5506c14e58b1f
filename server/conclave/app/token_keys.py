"""Keys of account tokens in the state directory: `tokens.key` signs, `tokens.former/` has the public halves of earlier ones.

A rotation destroys the private half of the key that it replaces. A former key goes when its last token must have expired.
A running server notices a rotation and signs with the new key from then on.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from conclave.app.state import DIRECTORY_MODE, StateError, make_private, read_private
from conclave.config.settings import AccountSettings
from conclave.edge.file_watch import POLL_S, FileWatch
from conclave.identity.token_keys import Algorithm, KeyRing, TokenKey

KEY_FILE = "tokens.key"
NEXT_FILE = "tokens.key.next"
FORMER_DIRECTORY = "tokens.former"
PEPPER_FILE = "accounts.key"
PEPPER_BYTES = 32
LONGEST_TOKEN_S = 30 * 86_400
_FORMER = re.compile(r"(\d{1,15})-[A-Za-z0-9_-]{43}\.pub")


def load_ring(directory: Path, settings: AccountSettings, now_s: float) -> KeyRing:
    """Return the keys; the first start makes one. Raises StateError, also when another algorithm was configured since."""
    algorithm = Algorithm(settings.signing_algorithm)
    if algorithm is Algorithm.HS256:
        try:
            return KeyRing(TokenKey.from_secret(settings.token_secret))
        except ValueError as error:
            raise StateError(f"accounts.token_secret: {error}; make one with `openssl rand -hex 32`") from None
    path = directory / KEY_FILE
    current = _read(path)
    if current is None:
        current = TokenKey.generate(algorithm)
        make_private(path, current.private_pem())
    if current.algorithm is not algorithm:
        raise StateError(f"{path} is for {current.algorithm}, the settings say {algorithm}; run `conclave keys rotate`")
    return KeyRing(current, _former(directory / FORMER_DIRECTORY, now_s))


def rotate(directory: Path, settings: AccountSettings, now_s: float, record: Callable[[TokenKey], None]) -> TokenKey:
    """Replace the signing key; tokens of the old one stay good until they expire. `record` makes durable that the new key comes,
    before anything changes. Raises StateError, and what `record` raises."""
    algorithm = Algorithm(settings.signing_algorithm)
    if algorithm is Algorithm.HS256:
        raise StateError("with HS256 there is no key to rotate: change accounts.token_secret, which voids all tokens")
    path, upcoming, former = directory / KEY_FILE, directory / NEXT_FILE, directory / FORMER_DIRECTORY
    old, new = _read(path), TokenKey.generate(algorithm)
    record(new)
    try:
        former.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        for stale in [*_files(former, 0.0, now_s - LONGEST_TOKEN_S), upcoming]:
            stale.unlink(missing_ok=True)
        if old is not None:
            make_private(former / f"{int(now_s)}-{old.kid}.pub", old.public_pem())
        make_private(upcoming, new.private_pem())
        upcoming.replace(path)
    except OSError as error:
        raise StateError(f"{path} cannot be replaced: {error.strerror}") from None
    return new


class KeyWatch(FileWatch):
    """Reads all keys when the signing key's file changed; what cannot be read is reported, and the keys stay as they are.
    A secret (HS256) has no file, so there is nothing to watch."""

    def __init__(
        self,
        directory: Path,
        settings: AccountSettings,
        ring: KeyRing,
        wall: Callable[[], float],
        report: Callable[[str, str], None],
        poll_s: float = POLL_S,
    ) -> None:
        """`report(event, detail)` hears "token_keys_reloaded" with the new key's id and "token_keys_refused"."""
        super().__init__(directory / KEY_FILE, poll_s=poll_s)
        self._directory = directory
        self._settings = settings
        self._ring = ring
        self._wall = wall
        self._report = report

    def _reload(self) -> bool:
        if not (self._directory / KEY_FILE).exists():
            self._report("token_keys_refused", f"{self._directory / KEY_FILE} is gone; the key in memory stays in use")
            return False
        try:
            self._ring.replace(load_ring(self._directory, self._settings, self._wall()))
        except StateError as error:
            self._report("token_keys_refused", str(error))
            return False
        self._report("token_keys_reloaded", self._ring.current.kid)
        return True


def load_pepper(directory: Path) -> bytes:
    """Return the key of hashed identifiers, made at the first start. Raises StateError."""
    path = directory / PEPPER_FILE
    pepper = read_private(path)
    if pepper is None:
        pepper = os.urandom(PEPPER_BYTES)
        make_private(path, pepper)
    if len(pepper) != PEPPER_BYTES:
        raise StateError(f"{path} is damaged; restore it, or remove it to forget who is locked out")
    return pepper


def _read(path: Path) -> TokenKey | None:
    pem = read_private(path)
    if pem is None:
        return None
    try:
        return TokenKey.from_private_pem(pem)
    except ValueError as error:
        raise StateError(f"{path} is {error}; restore it, or remove it to void all tokens") from None


def _former(directory: Path, now_s: float) -> list[TokenKey]:
    keys = []
    for path in _files(directory, now_s - LONGEST_TOKEN_S, float("inf")):
        pem = read_private(path)
        try:
            keys.append(TokenKey.from_public_pem(pem or b""))
        except ValueError as error:
            raise StateError(f"{path} is {error}; remove it to void the tokens of that key") from None
    return keys


def _files(directory: Path, since_s: float, until_s: float) -> list[Path]:
    """Return the files of keys that were replaced within a time."""
    if not directory.is_dir():
        return []
    named = ((path, _FORMER.fullmatch(path.name)) for path in sorted(directory.iterdir()))
    return [path for path, match in named if match is not None and since_s <= int(match[1]) < until_s]
