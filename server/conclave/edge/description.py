"""What anybody may read: the key set of account tokens, the description of the API, what the server offers to newcomers."""

from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from conclave.config.settings import Settings
from conclave.edge.account_messages import AboutView
from conclave.edge.application import handles
from conclave.edge.json_bodies import json_response
from conclave.edge.openapi import describe

KEY_SET_AGE_S = 300


class Description:
    """The handlers."""

    def __init__(self, key_set: Callable[[], Mapping[str, object]], settings: Settings) -> None:
        self._key_set = key_set
        self._about = AboutView(
            registration=settings.accounts.registration,
            open_creation=settings.meetings.open_creation,
            lock_failures=settings.accounts.lock_failures,
            lock_s=settings.accounts.lock_s,
        )
        self._openapi = msgspec.json.encode(describe())

    @handles("jwks")
    async def jwks(self, _request: web.Request) -> web.Response:
        """200 with the JWK set (RFC 7517)."""
        headers = {"Cache-Control": f"public, max-age={KEY_SET_AGE_S}"}
        return web.Response(body=msgspec.json.encode(self._key_set()), content_type="application/jwk-set+json", headers=headers)

    @handles("openapi")
    async def openapi(self, _request: web.Request) -> web.Response:
        """200 with the OpenAPI 3.1 document."""
        return web.Response(body=self._openapi, content_type="application/json")

    @handles("about")
    async def about(self, _request: web.Request) -> web.Response:
        """200 with `AboutView`."""
        return json_response(self._about)
