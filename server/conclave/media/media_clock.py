"""Capture times of different streams on one clock, by sender reports (RFC 3550, section 6.4.1).

A publisher's streams share its NTP clock, so what its reports say keeps picture and sound together; how that clock
stands to ours is the shortest way that a report took. Times in nanoseconds of our monotonic clock.
"""

JUMP_NS = 500_000_000
SLEW_NS = 2_000_000
_WRAP = 1 << 32


def ntp_to_ns(ntp: int) -> int:
    """Return the nanoseconds of a 64-bit NTP timestamp (32.32 fixed point)."""
    return (ntp >> 32) * 1_000_000_000 + ((ntp & 0xFFFFFFFF) * 1_000_000_000 >> 32)


class PublisherClock:
    """How one publisher's NTP clock stands to ours."""

    def __init__(self) -> None:
        self._offset_ns: int | None = None

    def report(self, ntp_ns: int, arrival_ns: int) -> None:
        """Take a report. A clock that was set anew starts over."""
        offset = arrival_ns - ntp_ns
        if self._offset_ns is None or offset < self._offset_ns or offset > self._offset_ns + 10 * JUMP_NS:
            self._offset_ns = offset

    def to_ours(self, ntp_ns: int) -> int:
        assert self._offset_ns is not None
        return ntp_ns + self._offset_ns


class StreamClock:
    """Turns RTP timestamps of one stream into times on our clock.

    Until the first report a frame's time counts from the first frame's arrival. What a report corrects is approached by
    SLEW_NS a frame, so that nothing jumps; an error above JUMP_NS is corrected at once.
    """

    def __init__(self, clock_rate: int, publisher: PublisherClock) -> None:
        self._rate = clock_rate
        self._publisher = publisher
        self._report: tuple[int, int] | None = None
        self._anchor: tuple[int, int] | None = None
        self._correction_ns = 0
        self._settled = False

    def report(self, ntp: int, timestamp: int, arrival_ns: int) -> None:
        """Take a sender report of this stream; one of all zeros says nothing."""
        if ntp == 0:
            return
        ntp_ns = ntp_to_ns(ntp)
        self._publisher.report(ntp_ns, arrival_ns)
        self._report = (ntp_ns, timestamp)

    def time_of(self, timestamp: int, arrival_ns: int) -> int:
        """Return when a frame was captured; `arrival_ns` is when its first packet came."""
        if self._anchor is None or abs(self._from_anchor(timestamp) - arrival_ns) > 10 * JUMP_NS:
            self._anchor = (timestamp, arrival_ns)
            self._settled = False
        own = self._from_anchor(timestamp)
        if self._report is None:
            return own + self._correction_ns
        ntp_ns, reported = self._report
        target = self._publisher.to_ours(ntp_ns + self._elapsed_ns(reported, timestamp)) - own
        error = target - self._correction_ns
        if abs(error) > JUMP_NS or not self._settled:
            self._correction_ns = target
        else:
            self._correction_ns += max(-SLEW_NS, min(SLEW_NS, error))
        self._settled = True
        return own + self._correction_ns

    def _from_anchor(self, timestamp: int) -> int:
        assert self._anchor is not None
        return self._anchor[1] + self._elapsed_ns(self._anchor[0], timestamp)

    def _elapsed_ns(self, before: int, after: int) -> int:
        ticks = (after - before) % _WRAP
        return (ticks - _WRAP if ticks >= _WRAP // 2 else ticks) * 1_000_000_000 // self._rate
