"""The result of a look at one thing."""

from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """`error`: it will not work; `warning`: it works worse or less safely than it could."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(Struct, frozen=True):
    """`text` says what was seen and, unless it is fine, what to do."""

    level: Level
    subject: str
    text: str


def ok(subject: str, text: str) -> Finding:
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str) -> Finding:
    return Finding(Level.WARNING, subject, text)


def error(subject: str, text: str) -> Finding:
    return Finding(Level.ERROR, subject, text)
