"""JSON in and out of the account API."""

from typing import TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from conclave.edge.application import read_body
from conclave.edge.problem import Problem
from conclave.model.errors import ErrorCode

JSON = "application/json"
MAX_DETAIL = 200

B = TypeVar("B", bound=Struct)


async def read_json(request: web.Request, kind: type[B]) -> B:
    """Return the body. Raises Problem 400 for what is no such body, and what read_body raises.

    Its detail quotes no text: at most the name of a field, or what is no member of an enumeration.
    """
    try:
        return msgspec.json.decode(await read_body(request, JSON), type=kind)
    except msgspec.ValidationError as error:
        raise Problem(400, ErrorCode.INVALID, str(error)[:MAX_DETAIL]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, ErrorCode.INVALID, "the body is not JSON") from None


def json_response(result: Struct | dict[str, object], status: int = 200) -> web.Response:
    """Return a response with `result` as its body."""
    return web.Response(status=status, body=msgspec.json.encode(result), content_type=JSON)


def no_content() -> web.Response:
    return web.Response(status=204)
