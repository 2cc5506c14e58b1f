"""WHIP (RFC 9725) and WHEP: SDP over HTTP for encoders, players and load generators, under a bearer invitation.

POST   /whip/{meeting_id}                application/sdp, sendonly sections -> 201, Location, ETag, application/sdp
POST   /whep/{meeting_id}                application/sdp, recvonly sections -> the same
PATCH  /whip/{meeting_id}/{resource_id}  application/trickle-ice-sdpfrag -> 204, or 200 with a fragment for an ICE restart
DELETE /whip/{meeting_id}/{resource_id}  -> 200

The server is ICE-lite and learns its peers from their checks, so trickled candidates are taken and not needed.
"""

import os
from typing import Any

from aiohttp import web

from conclave.config.settings import Settings
from conclave.edge.application import handles, read_body
from conclave.edge.headers import bearer_token, check_origin
from conclave.edge.headless import HeadlessSessions, Kind, Resource
from conclave.edge.problem import Problem
from conclave.edge.sdp_fragment import current_credentials, fragment_of, parse_fragment, with_credentials
from conclave.edge.sources import Sources
from conclave.model.errors import ErrorCode
from conclave.model.ids import new_id

SDP = "application/sdp"
SDP_FRAGMENT = "application/trickle-ice-sdpfrag"
PREFLIGHT_S = 600
METHODS = "POST, PATCH, DELETE, OPTIONS"
REQUEST_HEADERS = "Authorization, Content-Type, If-Match"
EXPOSED_HEADERS = "Location, ETag, Link, Accept-Patch"


class WhipWhep:
    """The handlers of both protocols; they differ in what is asked of the hub."""

    def __init__(self, settings: Settings, sources: Sources, sessions: HeadlessSessions) -> None:
        self._allowed = settings.security.allowed_origins
        self._sources = sources
        self._sessions = sessions

    @handles("whip_options")
    async def whip_options(self, request: web.Request) -> web.Response:
        return self._preflight(request, {"Accept-Post": SDP})

    @handles("whep_options")
    async def whep_options(self, request: web.Request) -> web.Response:
        return self._preflight(request, {"Accept-Post": SDP})

    @handles("whip_resource_options")
    async def whip_resource_options(self, request: web.Request) -> web.Response:
        return self._preflight(request, {"Accept-Patch": SDP_FRAGMENT})

    @handles("whep_resource_options")
    async def whep_resource_options(self, request: web.Request) -> web.Response:
        return self._preflight(request, {"Accept-Patch": SDP_FRAGMENT})

    @handles("whip_publish")
    async def publish(self, request: web.Request) -> web.Response:
        return await self._open(request, Kind.WHIP)

    @handles("whep_play")
    async def play(self, request: web.Request) -> web.Response:
        return await self._open(request, Kind.WHEP)

    @handles("whip_patch")
    async def whip_patch(self, request: web.Request) -> web.Response:
        return await self._patch(request, Kind.WHIP)

    @handles("whep_patch")
    async def whep_patch(self, request: web.Request) -> web.Response:
        return await self._patch(request, Kind.WHEP)

    @handles("whip_delete")
    async def whip_delete(self, request: web.Request) -> web.Response:
        return await self._delete(request, Kind.WHIP)

    @handles("whep_delete")
    async def whep_delete(self, request: web.Request) -> web.Response:
        return await self._delete(request, Kind.WHEP)

    async def _open(self, request: web.Request, kind: Kind) -> web.Response:
        headers = self._cross_origin(request)
        token = bearer_token(request.headers.get("Authorization"))
        source, former = self._sources.identify(request.remote), self._sources.former(request.remote)
        self._sources.connect_headless(source)
        offer = _text(await read_body(request, SDP))
        meeting_id = request.match_info["meeting_id"]
        resource, answer = await self._sessions.open(kind, meeting_id, token, offer, source, former)
        headers |= {
            "Location": f"/{kind}/{meeting_id}/{resource.resource_id}",
            "ETag": f'"{resource.etag}"',
            "Accept-Patch": SDP_FRAGMENT,
        }
        response = web.Response(status=201, body=answer.encode(), content_type=SDP, headers=headers)
        for link in ice_server_links(resource.ice_servers):
            response.headers.add("Link", link)
        return response

    async def _patch(self, request: web.Request, kind: Kind) -> web.Response:
        headers = self._cross_origin(request)
        resource = self._find(request, kind)
        match = request.headers.get("If-Match")
        if match is None:
            raise Problem(428, ErrorCode.INVALID, "If-Match is needed")
        if match not in ("*", f'"{resource.etag}"'):
            raise Problem(412, ErrorCode.CONFLICT, "the ICE session is another one by now")
        credentials = parse_fragment(_text(await read_body(request, SDP_FRAGMENT)))
        if credentials is None or credentials == current_credentials(resource.offer):
            return web.Response(status=204, headers=headers)
        if match != "*":
            raise Problem(412, ErrorCode.CONFLICT, "an ICE restart needs If-Match: *")
        answer = await resource.negotiate(with_credentials(resource.offer, credentials))
        resource.etag = new_id(os.urandom)
        return web.Response(
            status=200, body=fragment_of(answer).encode(), content_type=SDP_FRAGMENT,
            headers=headers | {"ETag": f'"{resource.etag}"'},
        )  # fmt: skip

    async def _delete(self, request: web.Request, kind: Kind) -> web.Response:
        headers = self._cross_origin(request)
        await self._sessions.delete(self._find(request, kind))
        return web.Response(status=200, headers=headers)

    def _find(self, request: web.Request, kind: Kind) -> Resource:
        token = bearer_token(request.headers.get("Authorization"))
        path = request.match_info
        return self._sessions.find(kind, path["meeting_id"], path["resource_id"], token)

    def _cross_origin(self, request: web.Request) -> dict[str, str]:
        """Return the CORS headers for an origin that may come; there are no cookies, so credentials are never allowed."""
        origin = request.headers.get("Origin")
        check_origin(origin, request.host, self._allowed)
        if origin is None:
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED_HEADERS, "Vary": "Origin"}

    def _preflight(self, request: web.Request, headers: dict[str, str]) -> web.Response:
        allowed = {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": REQUEST_HEADERS,
            "Access-Control-Max-Age": str(PREFLIGHT_S),
        }
        return web.Response(status=204, headers=self._cross_origin(request) | allowed | headers)


def ice_server_links(servers: list[dict[str, Any]]) -> list[str]:
    """Return one Link value for each address of RTCIceServer maps (RFC 9725, section 4.6)."""
    return [
        f'<{url}>; rel="ice-server"; username="{server["username"]}"; credential="{server["credential"]}"; '
        'credential-type="password"'
        for server in servers
        for url in server["urls"]
    ]


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Problem(400, ErrorCode.INVALID, "the body is not UTF-8") from None
