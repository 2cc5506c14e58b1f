"""Active speaker detection from RTP audio levels (RFC 6464), with hysteresis: a cough does not switch, a pause does not drop."""

from collections.abc import Iterable

from msgspec import Struct

from conclave.model.ids import TrackId

SPEECH_LEVEL = 50
START_AFTER_S = 0.4
STOP_AFTER_S = 1.5
CHANGE_INTERVAL_S = 0.3
SILENT_LEVEL = 127
LOUDER_BY = 6.0
_SMOOTHING_S = 0.5


class AudioLevel(Struct, frozen=True):
    """Levels of one track since the last report, in -dBov: 0 is the loudest, 127 is silence."""

    track_id: TrackId
    mean: int
    loudest: int


class _Voice:
    """What is known of one track: since when it is over the threshold, when it last was, and a smoothed level."""

    def __init__(self, now: float) -> None:
        self.heard_at = now
        self.talking_since: float | None = None
        self.talked_at = float("-inf")
        self.level = float(SILENT_LEVEL)
        self.speaking = False

    def hear(self, level: AudioLevel, now: float) -> None:
        weight = min(1.0, (now - self.heard_at) / _SMOOTHING_S) or 1.0
        self.level += (level.mean - self.level) * weight
        self.heard_at = now
        if level.mean <= SPEECH_LEVEL:
            if self.talking_since is None:
                self.talking_since = now
            self.talked_at = now
        self._settle(now)

    def settle_silence(self, now: float) -> None:
        """No level came: with DTX silence sends nothing."""
        if now > self.heard_at:
            self.level += (SILENT_LEVEL - self.level) * min(1.0, (now - self.heard_at) / _SMOOTHING_S)
            self.heard_at = now
        self._settle(now)

    def _settle(self, now: float) -> None:
        quiet_s = now - self.talked_at
        if self.speaking:
            self.speaking = quiet_s < STOP_AFTER_S
        elif quiet_s > START_AFTER_S:
            self.talking_since = None
        elif self.talking_since is not None:
            self.speaking = self.talked_at - self.talking_since >= START_AFTER_S
        if not self.speaking and quiet_s >= STOP_AFTER_S:
            self.talking_since = None


class SpeakerDetector:
    """Who speaks, loudest first. Feed it levels some times a second; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self.speakers: tuple[TrackId, ...] = ()
        self._voices: dict[TrackId, _Voice] = {}
        self._changed_at = float("-inf")

    def hear(self, levels: Iterable[AudioLevel], now: float) -> bool:
        """Take levels and tell whether `speakers` changed; it does so at most once per CHANGE_INTERVAL_S.

        Two who both speak change places only when one is LOUDER_BY decibels over the other.
        """
        heard = set()
        for level in levels:
            self._voices.setdefault(level.track_id, _Voice(now)).hear(level, now)
            heard.add(level.track_id)
        for track_id, voice in self._voices.items():
            if track_id not in heard:
                voice.settle_silence(now)
        return self._update(now)

    def forget(self, track_id: TrackId) -> bool:
        """The track ended or was muted; tell whether `speakers` changed."""
        self._voices.pop(track_id, None)
        if track_id not in self.speakers:
            return False
        self.speakers = tuple(speaker for speaker in self.speakers if speaker != track_id)
        return True

    def _update(self, now: float) -> bool:
        ranked = self._ranked()
        if ranked == self.speakers or now - self._changed_at < CHANGE_INTERVAL_S:
            return False
        self.speakers = ranked
        self._changed_at = now
        return True

    def _ranked(self) -> tuple[TrackId, ...]:
        """Order by level; a speaker passes the one before it only when clearly louder, so that equals do not alternate."""
        speaking = {track_id for track_id, voice in self._voices.items() if voice.speaking}
        ranked = [track_id for track_id in self.speakers if track_id in speaking]
        ranked += sorted(speaking.difference(ranked), key=lambda track_id: self._voices[track_id].level)
        for index in range(1, len(ranked)):
            place = index
            while place and self._voices[ranked[place]].level + LOUDER_BY < self._voices[ranked[place - 1]].level:
                ranked[place - 1], ranked[place] = ranked[place], ranked[place - 1]
                place -= 1
        return tuple(ranked)
