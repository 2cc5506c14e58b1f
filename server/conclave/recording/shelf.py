"""Where recordings lie: a directory for each, with its manifest, its speakers' index and a sealed file per track."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from conclave.media.ebml import EbmlError
from conclave.media.spoken import read_turns
from conclave.media.webm import LiveFile, OpenFile, duration_ms, remux
from conclave.model.errors import ConclaveError, ErrorCode, Refused, Unavailable
from conclave.model.ids import Entropy, MeetingId, RecordingId
from conclave.model.media import MediaKind
from conclave.ports.recorder import RecordedFile, RecordingContents
from conclave.recording.keys import KEY_BYTES, MasterKey
from conclave.recording.sealed import Damaged, SealedReader, SealedWriter

MANIFEST = "manifest"
SPEAKERS = "speakers"
SPEAKERS_JSON = "speakers.json"
SUFFIX = ".webm"
DIRECTORY_MODE = 0o700

_ID = re.compile(r"[A-Za-z0-9_-]{16}")
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(RecordingContents).decode


class Folder:
    """The files of one recording while it is made. Every method raises OSError."""

    def __init__(self, path: Path, recording_id: RecordingId, master: MasterKey, entropy: Entropy, *, durable: bool) -> None:
        path.mkdir(mode=DIRECTORY_MODE)
        self._path = path
        self._context = recording_id.encode()
        self._key = entropy(KEY_BYTES)
        self._wrapped = master.wrap(self._key, self._context)
        self._durable = durable

    def create(self, name: str) -> SealedWriter:
        return SealedWriter(self._path / name, self._context, self._key, self._wrapped, durable=self._durable)

    def write_manifest(self, contents: RecordingContents) -> None:
        """Replace the manifest as a whole; the file's name is part of its key, so it is sealed under that name aside."""
        aside = self._path / "new"
        aside.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        (aside / MANIFEST).unlink(missing_ok=True)
        writer = SealedWriter(aside / MANIFEST, self._context, self._key, self._wrapped)
        writer.write(_encode(contents))
        writer.finish()
        os.replace(aside / MANIFEST, self._path / MANIFEST)


class Shelf:
    """ports.recorder.Archive over a directory."""

    def __init__(self, directory: Path, master: MasterKey) -> None:
        self._directory = directory
        self._master = master

    def add(self, recording_id: RecordingId, entropy: Entropy, *, durable: bool) -> Folder:
        """Make the folder of a new recording. Raises OSError."""
        self._directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        return Folder(self._directory / recording_id, recording_id, self._master, entropy, durable=durable)

    def ids(self) -> list[RecordingId]:
        """Return the ids of all recordings."""
        if not self._directory.is_dir():
            return []
        return sorted(RecordingId(path.name) for path in self._directory.iterdir() if _ID.fullmatch(path.name))

    def meeting_of(self, recording_id: RecordingId) -> MeetingId:
        """See Archive."""
        return MeetingId(self._manifest(recording_id).meeting_id)

    def contents(self, recording_id: RecordingId) -> RecordingContents:
        """See Archive. What a crash left unfinished is measured."""
        manifest = self._manifest(recording_id)
        if manifest.ended_at_s is not None:
            return manifest
        files = [file if file.complete else self._measured(recording_id, file) for file in manifest.files]
        return msgspec.structs.replace(manifest, files=files)

    def stream(self, recording_id: RecordingId, name: str) -> Iterator[bytes]:
        """See Archive."""
        manifest = self._manifest(recording_id)
        if name == SPEAKERS_JSON:
            return iter([self._speakers(recording_id, finished=manifest.ended_at_s is not None)])
        stem = name.removesuffix(SUFFIX)
        chosen = [file for file in manifest.files if name.endswith(SUFFIX) and stem in (file.name, file.participant_id)]
        if not chosen:
            raise Refused(ErrorCode.NOT_FOUND, "no such file in this recording")
        return _guarded(self._remuxed(recording_id, chosen, finished=manifest.ended_at_s is not None))

    def _remuxed(self, recording_id: RecordingId, files: list[RecordedFile], *, finished: bool) -> Iterator[bytes]:
        """Join files of one source to a track; pictures first, cameras before screens."""
        by_source: dict[str, list[OpenFile]] = {}
        for file in sorted(files, key=lambda file: (file.source.kind is not MediaKind.VIDEO, file.source, file.start_ms)):
            opener = self._opener(recording_id, file.name, finished=finished)
            if _has_head(opener):
                by_source.setdefault(file.source, []).append(opener)
        if not by_source:
            raise Refused(ErrorCode.NOT_FOUND, "nothing of this file was recorded")
        return remux(list(by_source.values()))

    def _opener(self, recording_id: RecordingId, name: str, *, finished: bool) -> OpenFile:
        def pieces() -> Iterator[bytes]:
            reader = self._open(recording_id, name)
            yield from _checked(reader)
            if finished and not reader.complete:
                raise Unavailable("recordings", f"{name} has lost its end")

        return pieces

    def _measured(self, recording_id: RecordingId, file: RecordedFile) -> RecordedFile:
        try:
            start_ms, length_ms = duration_ms(LiveFile(_checked(self._open(recording_id, file.name))))
        except EbmlError:
            return file
        return msgspec.structs.replace(file, start_ms=start_ms, duration_ms=length_ms)

    def _speakers(self, recording_id: RecordingId, *, finished: bool) -> bytes:
        return _encode(read_turns(self._read(recording_id, SPEAKERS, finished=finished)))

    def _manifest(self, recording_id: RecordingId) -> RecordingContents:
        if not _ID.fullmatch(recording_id) or not (self._directory / recording_id / MANIFEST).is_file():
            raise Refused(ErrorCode.NOT_FOUND, "no such recording")
        try:
            return _decode(self._read(recording_id, MANIFEST, finished=True))
        except msgspec.DecodeError:
            raise Unavailable("recordings", "the manifest is damaged") from None

    def _read(self, recording_id: RecordingId, name: str, *, finished: bool) -> bytes:
        return b"".join(self._opener(recording_id, name, finished=finished)())

    def _open(self, recording_id: RecordingId, name: str) -> SealedReader:
        try:
            return SealedReader(self._directory / recording_id / name, recording_id.encode(), self._master)
        except (OSError, ConclaveError) as error:
            raise Unavailable("recordings", str(error)) from None


def _has_head(opener: OpenFile) -> bool:
    """A crash can leave a file that was only just begun; a finished one has its head or is damaged."""
    try:
        LiveFile(opener())
    except EbmlError:
        return False
    return True


def _checked(reader: SealedReader) -> Iterator[bytes]:
    try:
        yield from reader.pieces()
    except Damaged as error:
        raise Unavailable("recordings", str(error)) from None


def _guarded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except EbmlError as error:
        raise Unavailable("recordings", str(error)) from None
