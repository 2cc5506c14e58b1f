"""Trickle ICE fragments (RFC 8840, media type application/trickle-ice-sdpfrag), as far as an ICE-lite server needs them."""

import re

from msgspec import Struct

from conclave.edge.problem import Problem
from conclave.model.errors import ErrorCode

MAX_LINES = 512
_UFRAG = re.compile(r"a=ice-ufrag:([A-Za-z0-9+/]{4,256})")
_PWD = re.compile(r"a=ice-pwd:([A-Za-z0-9+/]{22,256})")
_CREDENTIAL = re.compile(r"(?m)^a=ice-(ufrag|pwd):[^\r\n]*")


class IceCredentials(Struct, frozen=True):
    """ICE user name fragment and password (RFC 8839, section 5.4)."""

    ufrag: str
    pwd: str

    def __repr__(self) -> str:
        return "IceCredentials(...)"


def parse_fragment(text: str) -> IceCredentials | None:
    """Return the credentials of a fragment, None when it has only candidates. Raises Problem 400 when it is no fragment."""
    lines = text.splitlines()
    if len(lines) > MAX_LINES or any(line and line[:2] not in ("a=", "m=", "s=", "v=", "o=", "t=", "c=") for line in lines):
        raise _invalid()
    ufrags = {match.group(1) for line in lines if (match := _UFRAG.fullmatch(line))}
    pwds = {match.group(1) for line in lines if (match := _PWD.fullmatch(line))}
    declared = sum(line.startswith(("a=ice-ufrag:", "a=ice-pwd:")) for line in lines)
    if not declared:
        return None
    if len(ufrags) != 1 or len(pwds) != 1:
        raise _invalid()
    return IceCredentials(ufrags.pop(), pwds.pop())


def current_credentials(sdp: str) -> IceCredentials | None:
    """Return the first credentials of a whole session description."""
    ufrag = re.search(r"(?m)^a=ice-ufrag:([^\s]+)\r?$", sdp)
    pwd = re.search(r"(?m)^a=ice-pwd:([^\s]+)\r?$", sdp)
    return IceCredentials(ufrag.group(1), pwd.group(1)) if ufrag and pwd else None


def with_credentials(sdp: str, credentials: IceCredentials) -> str:
    """Return the description with every ICE credential replaced: the same offer after an ICE restart."""
    values = {"ufrag": credentials.ufrag, "pwd": credentials.pwd}
    return _CREDENTIAL.sub(lambda match: f"a=ice-{match.group(1)}:{values[match.group(1)]}", sdp)


def fragment_of(answer: str) -> str:
    """Return the fragment that tells the credentials and candidates of an answer, for the response to an ICE restart."""
    lines = answer.splitlines()
    credentials = current_credentials(answer)
    candidates = list(dict.fromkeys(line for line in lines if line.startswith("a=candidate:")))
    media = next((line for line in lines if line.startswith("m=")), "m=audio 9 UDP/TLS/RTP/SAVPF 0")
    mid = next((line for line in lines if line.startswith("a=mid:")), "a=mid:0")
    head = ["a=ice-lite"]
    if credentials is not None:
        head += [f"a=ice-ufrag:{credentials.ufrag}", f"a=ice-pwd:{credentials.pwd}"]
    return "\r\n".join([*head, media, mid, *candidates, "a=end-of-candidates", ""])


def _invalid() -> Problem:
    return Problem(400, ErrorCode.INVALID, "the body is not a trickle ICE fragment")
