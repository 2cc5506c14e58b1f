"""The one error tree. What is not in it is our own bug and is shown to nobody but the log."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable codes on the wire."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"


class ConclaveError(Exception):
    """Root of all errors that the product raises on purpose."""


class Refused(ConclaveError):
    """An expected refusal: the peer is told `code` and `detail` and stays connected.

    `detail` is written for the peer and never holds a secret or another person's data. `retry_after_s`: when it is known to pass.
    """

    def __init__(self, code: ErrorCode, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


class ProtocolViolation(ConclaveError):
    """The peer broke the protocol: it is told `code` and its session is closed."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Unavailable(ConclaveError):
    """A door to the outside (`door`: audit, store, plane) failed; audited actions fail closed."""

    def __init__(self, door: str, detail: str) -> None:
        super().__init__(f"{door}: {detail}")
        self.door = door
        self.detail = detail
