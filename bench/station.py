"""What all clients of a run share: target, TLS, certificate, reader, pacer, HTTP session."""

import ssl
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from OpenSSL import SSL

from bench.guard import Target
from bench.pacing import Pacer
from bench.rtc.batch import BatchReader
from bench.rtc.dtls import Profile, client_context, make_certificate


class MeetingRefused(Exception):
    """The server did not open a meeting over HTTP."""


@dataclass(frozen=True, slots=True)
class Invitations:
    """Tokens of one meeting."""

    meeting_id: str
    host: str
    participant: str


class Station:
    """Made inside a running loop; `async with` closes it."""

    def __init__(self, target: Target, tls: ssl.SSLContext, *, profiles: tuple[Profile, ...], network: str = "udp") -> None:
        """`profiles` are offered in that order; `network` is "udp" or "tcp" for media."""
        certificate = make_certificate()
        self.target = target
        self.tls = tls
        self.network = network
        self.fingerprint = certificate.fingerprint
        self.dtls: SSL.Context = client_context(certificate, profiles)
        self.reader = BatchReader()
        self.pacer = Pacer()
        self._connector = aiohttp.TCPConnector(limit=0)
        self.session = aiohttp.ClientSession(connector=self._connector)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave no transport: a TLS shutdown that still waits for its peer would keep uvloop from closing."""
        self.pacer.close()
        await self._connector.close(abort_ssl=True)
        await self.session.close()

    async def open_meeting(self, service_token: str | None = None) -> Invitations:
        """Ask for a meeting and its invitations. Raises MeetingRefused."""
        headers = {} if service_token is None else {"Authorization": f"Bearer {service_token}"}
        try:
            async with self.session.post(self.target.meetings_url, headers=headers, ssl=self.tls) as response:
                body: dict[str, Any] = await response.json(content_type=None)
                if response.status >= 300:
                    raise MeetingRefused(f"{response.status}: {body.get('detail') or body.get('title') or response.reason}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise MeetingRefused(str(error) or type(error).__name__) from error
        tokens = {invitation["role"]: invitation["token"] for invitation in body["invitations"]}
        return Invitations(body["meeting_id"], tokens["host"], tokens["participant"])
