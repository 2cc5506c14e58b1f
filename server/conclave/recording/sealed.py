"""Encrypted files that only grow: AES-256-GCM in numbered chunks, the last one marked (the STREAM construction).

```
magic "CONCLREC" | version 1 | salt (16) | length of the wrapped key (2) | wrapped data key       the head
final (1 bit) and length of the text (31 bits) | encrypted text | tag (16)                        a chunk
```
The file's own key is HKDF-SHA256 of the data key with the salt and the file's name, so no two files share nonces and none
can stand in for another. A chunk's nonce is its number; head, number and final mark are its additional data.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from conclave.model.errors import ConclaveError
from conclave.recording.keys import MasterKey

MAGIC = b"CONCLREC\x01"
SALT_BYTES = 16
TAG_BYTES = 16
CHUNK_BYTES = 64 * 1024
FINAL = 1 << 31
FILE_MODE = 0o600


class Damaged(ConclaveError):
    """The file is not as it was written: a chunk was changed, moved or removed, or the key is another."""


class SealedWriter:
    """Appends to a new file; `flush` makes all that was written so far readable after a crash."""

    def __init__(self, path: Path, context: bytes, data_key: bytes, wrapped_key: bytes, *, durable: bool = False) -> None:
        """`context` names the recording. Raises OSError; a file that exists is never overwritten."""
        salt = os.urandom(SALT_BYTES)
        self._head = MAGIC + salt + len(wrapped_key).to_bytes(2, "big") + wrapped_key
        self._cipher = _cipher(data_key, salt, context, path.name)
        self._number = 0
        self._text = bytearray()
        self._durable = durable
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW
        self._file = os.fdopen(os.open(path, flags, FILE_MODE), "wb", buffering=0)
        self._file.write(self._head)

    def write(self, data: bytes) -> None:
        """Raises OSError."""
        self._text += data
        while len(self._text) > CHUNK_BYTES:
            self._seal(bytes(self._text[:CHUNK_BYTES]), final=False)
            del self._text[:CHUNK_BYTES]

    def flush(self) -> None:
        """Raises OSError."""
        if self._text:
            self._seal(bytes(self._text), final=False)
            self._text.clear()
            if self._durable:
                os.fdatasync(self._file.fileno())

    def finish(self) -> None:
        """Mark the end and close. Raises OSError."""
        try:
            self._seal(bytes(self._text), final=True)
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Close without an end."""
        self._file.close()

    def _seal(self, text: bytes, *, final: bool) -> None:
        nonce, data = _nonce(self._number), _additional(self._head, self._number, final)
        sealed = self._cipher.encrypt(nonce, text, data)
        frame = (len(text) | (FINAL if final else 0)).to_bytes(4, "big") + sealed
        if self._file.write(frame) != len(frame):
            raise OSError(28, "a chunk was cut short")
        self._number += 1


class SealedReader:
    """Reads a file from its beginning. After the last piece `complete` says whether it had its end."""

    def __init__(self, path: Path, context: bytes, master: MasterKey) -> None:
        """Raises OSError, Damaged, MasterKeyError."""
        self.complete = False
        self._path = path
        self._file = path.open("rb")
        fixed = self._file.read(len(MAGIC) + SALT_BYTES + 2)
        wrapped = self._file.read(int.from_bytes(fixed[-2:], "big"))
        self._head = fixed + wrapped
        if not fixed.startswith(MAGIC) or len(fixed) != len(MAGIC) + SALT_BYTES + 2:
            self._file.close()
            raise Damaged(f"{path.name} is no recording")
        try:
            data_key = master.unwrap(wrapped, context)
        except ConclaveError:
            self._file.close()
            raise
        self._cipher = _cipher(data_key, fixed[len(MAGIC) : -2], context, path.name)

    def pieces(self) -> Iterator[bytes]:
        """Yield the text up to the last whole chunk. Raises Damaged at the first chunk that is not as it was written."""
        with self._file:
            number = 0
            while len(frame := self._file.read(4)) == 4:
                length = int.from_bytes(frame, "big")
                final, size = bool(length & FINAL), length & ~FINAL
                if self.complete or size > CHUNK_BYTES:
                    raise Damaged(f"{self._path.name}: chunk {number} was changed")
                sealed = self._file.read(size + TAG_BYTES)
                if len(sealed) < size + TAG_BYTES:
                    break
                try:
                    text = self._cipher.decrypt(_nonce(number), sealed, _additional(self._head, number, final))
                except InvalidTag:
                    raise Damaged(f"{self._path.name}: chunk {number} was changed, moved or removed") from None
                self.complete = final
                number += 1
                if text:
                    yield text


def _cipher(data_key: bytes, salt: bytes, context: bytes, name: str) -> AESGCM:
    info = b"conclave recording file\x00" + context + b"\x00" + name.encode()
    return AESGCM(HKDF(SHA256(), 32, salt, info).derive(data_key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _additional(head: bytes, number: int, final: bool) -> bytes:
    return head + number.to_bytes(8, "big") + bytes([final])
