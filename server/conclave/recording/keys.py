"""The master key of recordings: it wraps the data key of each, so that a recording is destroyed with its key."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from conclave.model.errors import ConclaveError
from conclave.model.ids import Entropy

KEY_BYTES = 32
KEY_ID_BYTES = 8
NONCE_BYTES = 12
FILE_MODE = 0o600


class MasterKeyError(ConclaveError):
    """The master key cannot be used, or is not the one that a data key was wrapped with."""


class MasterKey(Protocol):
    """Wraps data keys (256 bits); a file's here, a key management service's elsewhere."""

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Return the data key so that only `unwrap` with the same context gives it back."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Raises MasterKeyError."""


class FileMasterKey:
    """AES-256-GCM under a key in a file: key id (8 bytes), nonce (12), data key and tag (48)."""

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        self._cipher = AESGCM(key)
        self._key_id = hashlib.sha256(b"conclave recording master key" + key).digest()[:KEY_ID_BYTES]
        self._entropy = entropy

    def __repr__(self) -> str:
        return f"FileMasterKey({self._key_id.hex()})"

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        nonce = self._entropy(NONCE_BYTES)
        return self._key_id + nonce + self._cipher.encrypt(nonce, data_key, self._key_id + context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        key_id, nonce = wrapped[:KEY_ID_BYTES], wrapped[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES]
        if key_id != self._key_id:
            raise MasterKeyError("the recording was made under another master key")
        try:
            return self._cipher.decrypt(nonce, wrapped[KEY_ID_BYTES + NONCE_BYTES :], key_id + context)
        except (InvalidTag, ValueError):
            raise MasterKeyError("the wrapped key was changed") from None


def load_master_key(path: Path, entropy: Entropy = os.urandom) -> FileMasterKey:
    """Return the key in `path`, made with mode 0600 when there is none. Raises MasterKeyError when it is open to others."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return FileMasterKey(_make(path, entropy), entropy)
    except OSError as error:
        raise MasterKeyError(f"{path} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            raise MasterKeyError(f"{path} is open to other users; close it with: chmod 600 {path}")
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise MasterKeyError(f"{path} is not a key of {KEY_BYTES} bytes; restore it, or no recording can be read")
    return FileMasterKey(key, entropy)


def _make(path: Path, entropy: Entropy) -> bytes:
    key = entropy(KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise MasterKeyError(f"{path} cannot be made: {error.strerror}") from None
    return key
