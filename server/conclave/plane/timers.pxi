"""What time alone brings about. Two rhythms, and neither runs without something to do: `hot` tracks (NACK, keyframe
requests, first sender reports) every 5 to 20 ms, peers (reports, silence, TCP) every 100 ms. An idle lane sleeps."""

cdef enum:
    HOT_PERIOD = 5 * MS
    WARM_PERIOD = 20 * MS
    SLOW_PERIOD = 100 * MS


cdef void run_timers(Lane *lane) noexcept nogil:
    """Do what is due at lane.now_ns; the caller flushes."""
    if lane.hot != NULL and lane.now_ns >= lane.hot_ns:
        run_hot(lane)
    if lane.accept_ns != 0 and lane.now_ns >= lane.accept_ns:
        accept_again(lane)
    if lane.now_ns >= lane.slow_ns and (lane.tracks > 0 or lane.connections != NULL):
        lane.slow_ns = lane.now_ns + SLOW_PERIOD
        run_slow(lane)


cdef int64_t next_timer_ns(const Lane *lane) noexcept nogil:
    """When run_timers has something to do again; -1 never."""
    cdef int64_t due = -1
    if lane.hot != NULL:
        due = lane.hot_ns
    if (lane.tracks > 0 or lane.connections != NULL) and (due < 0 or lane.slow_ns < due):
        due = lane.slow_ns
    if lane.accept_ns != 0 and (due < 0 or lane.accept_ns < due):
        due = lane.accept_ns
    return due


cdef void run_hot(Lane *lane) noexcept nogil:
    cdef Track *track = lane.hot
    cdef Track *following
    cdef int64_t period = WARM_PERIOD
    cdef bint awaiting
    while track != NULL:
        following = track.hot_next
        if track.missing_count > 0:
            send_nacks(lane, track)
        awaiting = not track.muted and awaited(track)
        if awaiting:
            track.pli_wanted = 1
        if track.plis_held:
            serve_held_plis(lane, track)
        if track.pli_wanted:
            ask_keyframe(lane, track)
        if track.reports_due:
            send_due_reports(lane, track)
        if track.missing_count > 0:
            period = HOT_PERIOD
        elif track.silent or track.muted or not (track.pli_wanted or track.plis_held or awaiting):
            cool(lane, track)
        track = following
    lane.hot_ns = lane.now_ns + period


cdef void send_due_reports(Lane *lane, Track *track) noexcept nogil:
    cdef Sender *sender = track.senders
    track.reports_due = 0
    while sender != NULL:
        if sender.report_due:
            sender.report_due = 0
            send_sender_report(lane, sender)
        sender = sender.track_next


cdef void run_slow(Lane *lane) noexcept nogil:
    cdef Peer *peer = lane.peers
    cdef Track *track
    while peer != NULL:
        track = peer.tracks
        while track != NULL:
            if not track.silent and track.highest >= 0 and lane.now_ns - track.last_ns > 5 * <int64_t>SECOND:
                track.silent = 1
                raise_fact(lane, FACT_TRACK_SILENT, peer, track, 0, NULL)
            track = track.peer_next
        if peer.tracks != NULL and lane.now_ns - peer.report_ns >= SECOND and reachable(peer):
            peer.report_ns = lane.now_ns
            send_receiver_report(lane, peer)
        peer = peer.lane_next
    reap_connections(lane)
