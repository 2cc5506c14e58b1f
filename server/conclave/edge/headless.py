"""Sessions of WHIP and WHEP: they say over HTTP what a browser says over its WebSocket, and pass the same gate."""

import asyncio
import hmac
import os
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeVar

from msgspec import Struct

from conclave.edge.problem import Problem, unauthenticated
from conclave.hub.hub import Hub
from conclave.hub.sessions import Session
from conclave.media.sdp import SdpError, SessionDescription
from conclave.media.sdp_parse import parse_sdp
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import new_id
from conclave.signaling import messages

Result = TypeVar("Result", bound=Struct)


class Kind(StrEnum):
    WHIP = "whip"
    WHEP = "whep"


class Resource:
    """One WHIP or WHEP session. `etag` names its ICE session (RFC 9725, section 4.3.1); `offer` is the client's latest.
    `ice_servers` are RTCIceServer maps for the client."""

    def __init__(self, kind: Kind, meeting_id: str, token: str, session: Session) -> None:
        self.kind = kind
        self.meeting_id = meeting_id
        self.resource_id = new_id(os.urandom)
        self.etag = new_id(os.urandom)
        self.offer = ""
        self.ice_servers: list[dict[str, Any]] = []
        self.session = session
        self._token_digest = sha256(token.encode()).digest()
        self._next_id = 0

    def __repr__(self) -> str:
        return f"Resource({self.kind}, {self.resource_id})"

    def belongs_to(self, token: str) -> bool:
        return hmac.compare_digest(sha256(token.encode()).digest(), self._token_digest)

    async def ask(self, make: Callable[[int], messages.Request], result: type[Result]) -> Result:
        """Send a request through the gate; return its result. Raises Refused, Unavailable."""
        self._next_id += 1
        answer = await self.session.request(make(self._next_id))
        assert isinstance(answer, result)
        return answer

    async def negotiate(self, offer: str) -> str:
        """Send the offer as this kind does, remember it, and return the answer."""
        if self.kind is Kind.WHIP:
            answer = await self.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer), messages.SdpAnswer)
        else:
            answer = await self.ask(lambda number: messages.PlaybackOffer(id=number, sdp=offer), messages.SdpAnswer)
        self.offer = offer
        return answer.sdp


class HeadlessSessions:
    """All open resources of a server. A resource goes when its client deletes it or its media connection fails."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._resources: dict[str, Resource] = {}
        self._watchers: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._resources)

    async def open(
        self,
        kind: Kind,
        meeting_id: str,
        token: str,
        sdp: str,
        source_hash: bytes = b"",
        former_hashes: tuple[bytes, ...] = (),
    ) -> tuple[Resource, str]:
        """Greet, take a seat, negotiate; return the resource and the SDP answer. Raises Problem, Refused, Unavailable."""
        description = _parse(sdp)
        session = self._hub.headless(source_hash, former_hashes)
        resource = Resource(kind, meeting_id, token, session)
        try:
            await self._take_seat(resource, token)
            if kind is Kind.WHIP:
                await _declare(resource, description)
            answer = await resource.negotiate(sdp)
        except BaseException:
            session.disconnected()
            raise
        self._resources[resource.resource_id] = resource
        watcher = asyncio.create_task(self._watch(resource), name=f"{kind} {resource.resource_id}")
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return resource, answer

    def find(self, kind: Kind, meeting_id: str, resource_id: str, token: str) -> Resource:
        """Return the resource that `token` made. Raises Problem 404 for any other, whether it exists or not."""
        resource = self._resources.get(resource_id)
        if resource is None or resource.kind is not kind or resource.meeting_id != meeting_id or not resource.belongs_to(token):
            raise Problem(404, ErrorCode.NOT_FOUND, "there is no such session")
        return resource

    async def delete(self, resource: Resource) -> None:
        """Give up the seat and forget the resource. Raises Refused when the meeting does not let it go."""
        await resource.ask(lambda number: messages.Leave(id=number), messages.Empty)
        self._drop(resource)

    async def close(self) -> None:
        """Drop every resource."""
        for resource in tuple(self._resources.values()):
            self._drop(resource)
        watchers = tuple(self._watchers)
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)

    async def _watch(self, resource: Resource) -> None:
        await resource.session.closed.wait()
        self._drop(resource)

    def _drop(self, resource: Resource) -> None:
        if self._resources.pop(resource.resource_id, None) is not None:
            resource.session.disconnected()

    async def _take_seat(self, resource: Resource, token: str) -> None:
        try:
            welcome = await resource.ask(
                lambda number: messages.Hello(id=number, protocol=messages.PROTOCOL_VERSION, token=token, client=resource.kind),
                messages.Welcome,
            )
        except Refused as error:
            if error.code is ErrorCode.UNAUTHORIZED:
                raise unauthenticated(error.detail) from None
            raise
        if welcome.meeting_id != resource.meeting_id:
            raise Problem(404, ErrorCode.NOT_FOUND, "the invitation is for another meeting")
        resource.ice_servers = welcome.ice_servers
        name = "Encoder" if resource.kind is Kind.WHIP else "Player"
        plays = resource.kind is Kind.WHEP
        await resource.ask(lambda number: messages.Join(id=number, display_name=name, auto_subscribe=plays), messages.Joined)


async def _declare(resource: Resource, description: SessionDescription) -> None:
    """Declare one track per sending m-section. Raises Refused when the role may not, or there is nothing to publish."""
    sending = [section for section in description.sections if section.sends and section.kind in ("audio", "video")]
    if not sending:
        raise Refused(ErrorCode.INVALID, "the offer sends nothing")
    for section in sending:
        await resource.ask(_declaration(section.kind, section.mid), messages.Published)


def _declaration(kind: str, mid: str) -> Callable[[int], messages.Request]:
    if kind == "audio":
        return lambda number: messages.AudioPublish(id=number, mid=mid)
    return lambda number: messages.VideoPublish(id=number, mid=mid)


def _parse(sdp: str) -> SessionDescription:
    try:
        description = parse_sdp(sdp)
    except SdpError as error:
        raise Problem(400, ErrorCode.INVALID, str(error)[:200]) from None
    for section in description.sections:
        if not 1 <= len(section.mid) <= 16:
            raise Problem(400, ErrorCode.INVALID, "each m-section needs a mid of 1 to 16 characters")
    return description
