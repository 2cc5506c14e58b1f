"""The state directory: made with mode 0700, the invitation key in it with mode 0600; wider permissions are refused."""

import fcntl
import os
import stat
from pathlib import Path

from conclave.identity.keys import SigningKey
from conclave.model.errors import ConclaveError

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
MAX_FILE_BYTES = 16_384
KEY_FILE = "invitations.key"
AUDIT_FILE = "audit.jsonl"
REVOKED_FILE = "revoked.jsonl"


class StateError(ConclaveError):
    """The state directory or a file in it cannot be used; the text says what to do."""


def prepare_directory(directory: Path) -> None:
    """Make `directory` when it is absent. Raises StateError when others may enter it or it cannot be written."""
    try:
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as error:
        raise StateError(f"{directory} cannot be used: {error.strerror}; name another with state.directory") from None
    if not stat.S_ISDIR(status.st_mode):
        raise StateError(f"{directory} is not a directory")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise StateError(f"{directory} is open to other users; close it with: chmod 700 {directory}")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StateError(f"{directory} cannot be written by this user; give it to the server's user with chown")


def hold_directory(directory: Path) -> int:
    """Return a descriptor that keeps other servers off `directory` as long as it is open, and no longer than the process lives.

    Raises StateError. A second server would put a file of revocations of its own in the place of the first one's.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StateError(f"{directory} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StateError(f"{directory} is in use by another server; stop it, or name another with state.directory") from None
    return descriptor


def load_invitation_key(directory: Path) -> SigningKey:
    """Return the key that signs invitations, made at the first start. Raises StateError."""
    path = directory / KEY_FILE
    pem = read_private(path)
    if pem is None:
        key = SigningKey.generate()
        make_private(path, key.to_pem())
        return key
    try:
        return SigningKey.from_pem(pem)
    except ValueError as error:
        raise StateError(f"{path} is {error}; restore it, or remove it to void all invitations") from None


def read_private(path: Path) -> bytes | None:
    """Return what is in a small file that belongs to this user alone, None when there is none. Raises StateError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            raise StateError(f"{path} is open to other users; close it with: chmod 600 {path}")
        return file.read(MAX_FILE_BYTES)


def make_private(path: Path, content: bytes) -> None:
    """Make a file of mode 0600 that is not there yet, on the disk before this returns. Raises StateError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise StateError(f"{path} cannot be made: {error.strerror}") from None
