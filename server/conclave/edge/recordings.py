"""GET /api/v1/recordings/{recording_id}: what was recorded; /{name} below it: a file, decrypted as it is read.

Whoever may not see a recording learns not whether it exists: the answer is 404 for another meeting's as for none.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec
from aiohttp import web

from conclave.edge.application import handles, route_of
from conclave.edge.headers import bearer_token
from conclave.edge.sources import Sources
from conclave.identity.invitations import CheckLink, Claims, Invitations
from conclave.model.errors import ConclaveError, ErrorCode, Refused
from conclave.model.ids import RecordingId
from conclave.model.roles import Permission
from conclave.ports.audit import AuditEvent, AuditSink
from conclave.ports.recorder import Archive

JSON = "application/json"

Authorise = Callable[[Claims, tuple[bytes, ...], Permission, str], Awaitable[None]]
"""Raises Refused unless an invitation, shown from a source, may do what needs a permission, Unavailable where that cannot be
learned; the last is the request's name."""


class Recordings:
    """The handlers. Disks and ciphers are waited for in threads."""

    def __init__(
        self,
        archive: Archive,
        invitations: Invitations,
        audit: AuditSink,
        wall: Callable[[], float],
        sources: Sources,
        authorise: Authorise,
        check_link: CheckLink,
    ) -> None:
        self._archive = archive
        self._sources = sources
        self._permit = authorise
        self._check_link = check_link
        self._invitations = invitations
        self._audit = audit
        self._wall = wall

    @handles("recording")
    async def describe(self, request: web.Request) -> web.Response:
        """200 with `RecordingContents`."""
        recording_id = await self._authorise(request)
        contents = await asyncio.to_thread(self._archive.contents, recording_id)
        return web.Response(body=msgspec.json.encode(contents), content_type=JSON)

    @handles("recording_file")
    async def download(self, request: web.Request) -> web.StreamResponse:
        """200 with the file. A file that turns out to be damaged ends in a broken connection, not in a short file."""
        name = request.match_info["name"]
        recording_id = await self._authorise(request)
        pieces = await asyncio.to_thread(self._archive.stream, recording_id, name)
        piece = await asyncio.to_thread(next, pieces, b"")
        response = web.StreamResponse()
        is_json = name.endswith(".json")
        response.content_type = JSON if is_json else "video/webm"
        if not is_json:
            response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        await response.prepare(request)
        try:
            await _send(response, piece, pieces)
        except ConclaveError:
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _authorise(self, request: web.Request) -> RecordingId:
        """Check the bearer and record the access first. Raises Refused, Problem 401, Unavailable."""
        route = route_of(request)
        assert route is not None
        claims = self._invitations.verify(bearer_token(request.headers.get("Authorization")), self._wall())
        await self._check_link(claims)
        recording_id = RecordingId(request.match_info["recording_id"])
        await self._permit(claims, self._sources.names(request.remote), route.rule.permission, "recording.download")
        if await asyncio.to_thread(self._archive.meeting_of, recording_id) != claims.meeting_id:
            raise Refused(ErrorCode.NOT_FOUND, "no such recording")
        details: dict[str, str | int | bool] = {"recording_id": recording_id, "jti": claims.jti}
        self._audit.record(AuditEvent(type="recording_downloaded", meeting_id=claims.meeting_id, details=details))
        return recording_id


async def _send(response: web.StreamResponse, piece: bytes, pieces: Iterator[bytes]) -> None:
    while piece:
        await response.write(piece)
        piece = await asyncio.to_thread(next, pieces, b"")
    await response.write_eof()
