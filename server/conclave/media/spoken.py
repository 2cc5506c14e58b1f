"""Who spoke when: turns of speech out of the active speakers, as lines of JSON without names.

One line a turn: {"participant_id", "from_ms", "to_ms"} on the recording's clock, written when the turn ends.
"""

import msgspec
from msgspec import Struct


class Turn(Struct, frozen=True):
    participant_id: str
    from_ms: int
    to_ms: int


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Turn).decode


class SpokenIndex:
    """Collects turns. Every call returns the lines that are complete now."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}

    def speaking(self, participant_ids: tuple[str, ...], now_ms: int) -> bytes:
        """These and nobody else speak from now on."""
        ended = [known for known in self._since if known not in participant_ids]
        lines = b"".join(self._end(participant_id, now_ms) for participant_id in ended)
        for participant_id in participant_ids:
            self._since.setdefault(participant_id, now_ms)
        return lines

    def checkpoint(self, now_ms: int, longer_than_ms: int = 1_000) -> bytes:
        """Write what open turns have so far, so that a crash loses no more than `longer_than_ms`."""
        due = [known for known, since in self._since.items() if now_ms - since >= longer_than_ms]
        lines = b"".join(self._end(participant_id, now_ms) for participant_id in due)
        for participant_id in due:
            self._since[participant_id] = now_ms
        return lines

    def _end(self, participant_id: str, now_ms: int) -> bytes:
        since = self._since.pop(participant_id)
        return _encode(Turn(participant_id, since, now_ms)) + b"\n" if now_ms > since else b""


def read_turns(data: bytes) -> list[Turn]:
    """Return the turns in lines that `SpokenIndex` wrote, joined where a checkpoint parted them; a torn last line is left out."""
    turns: dict[str, list[Turn]] = {}
    for line in data.split(b"\n"):
        try:
            turn = _decode(line)
        except msgspec.DecodeError:
            continue
        known = turns.setdefault(turn.participant_id, [])
        if known and known[-1].to_ms == turn.from_ms:
            known[-1] = Turn(turn.participant_id, known[-1].from_ms, turn.to_ms)
        else:
            known.append(turn)
    return sorted((turn for of_one in turns.values() for turn in of_one), key=lambda turn: (turn.from_ms, turn.to_ms))
