"""Health, readiness, metrics and the web client's files."""

from collections.abc import Callable, Mapping

from aiohttp import web

from conclave.edge.application import check_operator, handles
from conclave.edge.problem import Problem
from conclave.edge.static import StaticFiles
from conclave.model.errors import ErrorCode, Unavailable

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Check = Callable[[], None]
"""Raises Unavailable when its door does not work."""


class Status:
    """/healthz says that the process answers; /readyz that it can do its work; /metrics what it did."""

    def __init__(self, checks: Mapping[str, Check], metrics: Callable[[], bytes], metrics_token: str) -> None:
        self._checks = checks
        self._metrics = metrics
        self._metrics_token = metrics_token

    @handles("healthz")
    async def healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    @handles("readyz")
    async def readyz(self, _request: web.Request) -> web.Response:
        """200 when every check passes, else 503; one line per check, without its reason, which is for the log."""
        lines, ready = [], True
        for name, check in self._checks.items():
            try:
                check()
            except Unavailable:
                ready = False
                lines.append(f"{name} unavailable")
            else:
                lines.append(f"{name} ok")
        return web.Response(status=200 if ready else 503, text="\n".join(lines) + "\n")

    @handles("metrics")
    async def metrics(self, request: web.Request) -> web.Response:
        check_operator(request, self._metrics_token)
        return web.Response(body=self._metrics(), headers={"Content-Type": METRICS_TYPE})


class Client:
    """The web client at /."""

    def __init__(self, files: StaticFiles | None) -> None:
        self._files = files

    @handles("client")
    async def serve(self, request: web.Request) -> web.Response:
        if self._files is None:
            raise Problem(404, ErrorCode.NOT_FOUND, "this server has no web client")
        return self._files.respond(
            request.match_info["path"], request.headers.get("If-None-Match"), head=request.method == "HEAD"
        )
