"""What all requests have in common, and the kinds of values that their fields take."""

from typing import Annotated

from msgspec import Meta, Struct

RequestId = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Identifier = Annotated[str, Meta(min_length=16, max_length=16)]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
DisplayName = Annotated[str, Meta(min_length=1, max_length=64)]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Mid = Annotated[str, Meta(min_length=1, max_length=16)]
Sdp = Annotated[str, Meta(min_length=1, max_length=60_000)]
Identifiers = Annotated[list[Identifier], Meta(min_length=1, max_length=256)]


class Request(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", kw_only=True):
    id: RequestId
