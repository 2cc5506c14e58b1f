"""Which ports the lanes of the packet plane use."""

import os

from conclave.config.settings import MAX_LANES, MediaSettings


def lane_ports(settings: MediaSettings) -> list[int]:
    """Return one port per lane; 0 asks for a free one. Without a setting there is a lane per CPU core, at most four."""
    if settings.ports:
        return list(settings.ports)
    count = settings.lanes or min(MAX_LANES, len(os.sched_getaffinity(0)))
    first = settings.first_port
    return [first + lane if first else 0 for lane in range(count)]
