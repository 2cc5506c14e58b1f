"""The web client's files, from one directory, with ETags. Only listed kinds of files go out; nothing hidden, nothing outside."""

from hashlib import sha256
from pathlib import Path

from aiohttp import web

from conclave.edge.problem import Problem
from conclave.model.errors import ErrorCode

CONTENT_TYPES = {
    ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
    ".png": "image/png", ".ico": "image/x-icon", ".json": "application/json", ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2", ".wasm": "application/wasm", ".txt": "text/plain",
}  # fmt: skip
TEXT = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
HIDDEN = frozenset({"node_modules", "tests", "test", "package.json", "package-lock.json"})
MAX_FILE_BYTES = 4_000_000


class StaticFiles:
    """Serves `root`. Contents are kept in memory and read again when size or time of change differ."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._cache: dict[str, tuple[tuple[int, int], bytes, str]] = {}

    def respond(self, path: str, if_none_match: str | None, *, head: bool = False) -> web.Response:
        """Answer GET or HEAD of a path without its leading slash; "" is index.html. Raises Problem 404."""
        name = path or "index.html"
        body, etag = self._load(name)
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if if_none_match is not None and etag in (part.strip().removeprefix("W/") for part in if_none_match.split(",")):
            return web.Response(status=304, headers=headers)
        content_type = CONTENT_TYPES[Path(name).suffix]
        charset = "utf-8" if content_type.startswith(TEXT) else None
        if head:
            headers["Content-Length"] = str(len(body))
        return web.Response(body=None if head else body, headers=headers, content_type=content_type, charset=charset)

    def _load(self, name: str) -> tuple[bytes, str]:
        file = self._find(name)
        status = file.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        cached = self._cache.get(name)
        if cached is not None and cached[0] == stamp:
            return cached[1], cached[2]
        body = file.read_bytes()
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        self._cache[name] = (stamp, body, etag)
        return body, etag

    def _find(self, name: str) -> Path:
        parts = name.split("/")
        if any(not part or part.startswith(".") or part in HIDDEN or "\\" in part or "\0" in part for part in parts):
            raise _not_found()
        if Path(name).suffix not in CONTENT_TYPES:
            raise _not_found()
        try:
            file = (self._root / name).resolve()
            usable = file.is_relative_to(self._root) and file.is_file() and file.stat().st_size <= MAX_FILE_BYTES
        except OSError:
            raise _not_found() from None
        if not usable:
            raise _not_found()
        return file


def _not_found() -> Problem:
    return Problem(404, ErrorCode.NOT_FOUND, "there is nothing here")
