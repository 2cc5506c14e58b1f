"""LaneCore: a lane that is called instead of running."""


@cython.no_gc_clear
cdef class LaneCore(Tables):
    """One lane without a thread, a socket or a clock, for tests and fuzzing."""

    def __cinit__(self, *, max_peers=64, max_tracks=64, max_senders=1024, keyframe_interval_ms=500):
        self.lanes = [LaneTables(0, -1, max_peers, max_tracks, max_senders, keyframe_interval_ms, True)]

    cdef Lane *only(self):
        return (<LaneTables>self.lanes[0]).lane

    def receive(self, datagrams, now_ns):
        """Process (path, datagram) pairs, up to 64 of them as one batch; return what would be sent."""
        cdef Lane *lane = self.only()
        cdef Path path
        cdef bytes data
        cdef int at = 0
        lane.now_ns = now_ns
        for where, data in datagrams:
            read_path(where, &path)
            if at == BATCH:
                finish_batch(lane)
                at = 0
            if len(data) <= PACKET_ROOM:
                memcpy(lane.in_buffers + at * PACKET_ROOM, <const char *>data, len(data))
            receive_datagram(lane, &path, lane.in_buffers + at * PACKET_ROOM, <int>min(len(data), PACKET_ROOM))
            at += 1
        finish_batch(lane)
        return self.sent()

    def tick(self, now_ns):
        """Run the timers that are due; return what would be sent."""
        cdef Lane *lane = self.only()
        lane.now_ns = now_ns
        run_timers(lane)
        flush(lane)
        return self.sent()

    cdef list sent(self):
        cdef Lane *lane = self.only()
        cdef Captured *captured
        out = []
        while lane.captured_first != NULL:
            captured = lane.captured_first
            lane.captured_first = captured.next
            out.append((path_bytes(&captured.path), (<char *>captured + sizeof(Captured))[:captured.size]))
            free(captured)
        lane.captured_last = NULL
        return out
