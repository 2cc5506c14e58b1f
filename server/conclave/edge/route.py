"""What a route says of itself."""

from enum import StrEnum

from msgspec import Struct

from conclave.policy.rules import Rule
from conclave.policy.system_rbac import SystemRule


class Access(StrEnum):
    """What a request must bring. `invitation`: a bearer invitation, checked by the hub's gate with the route's rule;
    `creation`: open creation, or the service token; `operator`: a loopback source, or the metrics token;
    `resource`: the bearer invitation that made the WHIP or WHEP resource; `handshake`: subprotocol and origin,
    then an invitation in the first message;
    `recording`: a bearer invitation to the recorded meeting for a role that holds the rule's permission;
    `account`: an access token or a browser session of an active account that the system rule lets pass;
    `credentials`: what is in the body, a password or a token, decides."""

    PUBLIC = "public"
    HANDSHAKE = "handshake"
    CREATION = "creation"
    OPERATOR = "operator"
    INVITATION = "invitation"
    RESOURCE = "resource"
    RECORDING = "recording"
    ACCOUNT = "account"
    CREDENTIALS = "credentials"


class Route(Struct, frozen=True):
    """methods share the rule. body_bytes is the largest body that is read; 0 means none is. system: for accounts alone."""

    path: str
    methods: tuple[str, ...]
    access: Access
    rule: Rule
    body_bytes: int = 0
    system: SystemRule | None = None
