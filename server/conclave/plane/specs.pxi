"""Checked construction of tracks, senders and routes from what Python says. Every refusal is a ValueError."""

_CODECS = {"vp8": CODEC_VP8, "vp9": CODEC_VP9, "h264": CODEC_H264, "av1": CODEC_AV1}


cdef int in_range(str name, object value, object least, object most) except -1:
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} must be an integer from {least} to {most}")
    return 0


cdef int fill_map(str name, uint8_t *out, object mapping, int key_least, int key_most, int value_least, int value_most) except -1:
    for key, value in mapping.items():
        in_range(name, key, key_least, key_most)
        in_range(name, value, value_least, value_most)
        out[<int>key] = value
    return 0


cdef int fill_name(str name, char *out, object value, int most) except -1:
    """Copy a mid or CNAME; return its length."""
    if not isinstance(value, bytes) or len(value) > most:
        raise ValueError(f"{name} must be at most {most} bytes")
    memcpy(out, <const char *>(<bytes>value), len(value))
    return len(value)


cdef Track *new_track(
    bint video, object mid, object payload_types, object rtx_payload_types, object codecs,
    object mid_ext_id, object audio_level_ext_id,
) except NULL:
    cdef Track *track = <Track *>calloc(1, sizeof(Track))
    if track == NULL:
        raise MemoryError
    try:
        fill_track(track, video, mid, payload_types, rtx_payload_types, codecs, mid_ext_id, audio_level_ext_id)
    except BaseException:
        free_track(track)
        raise
    return track


cdef int fill_track(
    Track *track, bint video, object mid, object payload_types, object rtx_payload_types, object codecs,
    object mid_ext_id, object audio_level_ext_id,
) except -1:
    track.retired.kind = RETIRED_TRACK
    track.video = video
    track.highest = -1
    track.keyframe_index = -1
    track.mid_size = fill_name("mid", track.mid, mid, MID_MAX)
    in_range("mid_ext_id", mid_ext_id, 0, 255)
    in_range("audio_level_ext_id", audio_level_ext_id, 0, 255)
    track.mid_ext_id = mid_ext_id
    track.audio_level_ext_id = audio_level_ext_id
    memset(track.rtx_to_media, UNMAPPED, 128)
    for payload_type, clock_rate in payload_types.items():
        in_range("payload type", payload_type, 0, 127)
        in_range("clock rate", clock_rate, 1, 1000000000)
        track.clock_rate[<int>payload_type] = clock_rate
    fill_map("RTX payload type", track.rtx_to_media, rtx_payload_types, 0, 127, 0, 127)
    for payload_type, codec in codecs.items():
        in_range("payload type", payload_type, 0, 127)
        track.codec[<int>payload_type] = _CODECS.get(codec, CODEC_UNKNOWN) if video else CODEC_UNKNOWN
        track.marks = track.marks or track.codec[<int>payload_type] != CODEC_UNKNOWN
    track.cache_size = CACHE_VIDEO if video else CACHE_AUDIO
    track.cache = <CacheSlot *>calloc(track.cache_size, sizeof(CacheSlot))
    track.missing = <Missing *>calloc(MISSING_MAX, sizeof(Missing)) if video else NULL
    if track.cache == NULL or (video and track.missing == NULL):
        raise MemoryError
    return 0


cdef Sender *new_sender(
    bint video, object mid, object ssrc, object clock_rate, object rtx_ssrc, object rtx_payload_types,
    object mid_ext_id, object cname,
) except NULL:
    cdef Sender *sender = <Sender *>calloc(1, sizeof(Sender))
    if sender == NULL:
        raise MemoryError
    try:
        fill_sender(sender, video, mid, ssrc, clock_rate, rtx_ssrc, rtx_payload_types, mid_ext_id, cname)
    except BaseException:
        free_sender(sender)
        raise
    return sender


cdef int fill_sender(
    Sender *sender, bint video, object mid, object ssrc, object clock_rate, object rtx_ssrc, object rtx_payload_types,
    object mid_ext_id, object cname,
) except -1:
    """Sequence numbers and the timestamp begin at random (RFC 3550 5.1), the former below 2^15 (RFC 3711 3.3.1)."""
    cdef uint8_t random[8]
    in_range("ssrc", ssrc, 1, 0xFFFFFFFF)
    in_range("rtx_ssrc", rtx_ssrc, 0, 0xFFFFFFFF)
    in_range("clock_rate", clock_rate, 1, 1000000000)
    in_range("mid_ext_id", mid_ext_id, 0, 255)
    sender.retired.kind = RETIRED_SENDER
    sender.video = video
    sender.ssrc = ssrc
    sender.rtx_ssrc = rtx_ssrc
    sender.clock_rate = clock_rate
    sender.mid_size = fill_name("mid", sender.mid, mid, MID_MAX)
    sender.mid_ext_id = mid_ext_id if sender.mid_size else 0
    sender.cname_size = fill_name("cname", sender.cname, cname, CNAME_MAX)
    memset(sender.rtx_payload_types, UNMAPPED, 128)
    memset(sender.order.payload_types, UNMAPPED, 128)
    fill_map("RTX payload type", sender.rtx_payload_types, rtx_payload_types, 0, 127, 0, 127)
    if getrandom(random, sizeof(random), 0) != sizeof(random):
        raise OSError("no random bytes")
    sender.last_index = 65536 + (read16(random) & 0x7FFF)
    sender.rtx_seq = read16(random + 2) & 0x7FFF
    sender.last_timestamp = read32(random + 4)
    sender.rtx_tokens = 300000
    if rtx_ssrc:
        sender.rtx_memory = <RtxMemory *>calloc(RTX_MEMORY, sizeof(RtxMemory))
        if sender.rtx_memory == NULL:
            raise MemoryError
    return 0


cdef RouteOrder *new_order(const Sender *sender, object payload_types, object extensions) except NULL:
    cdef RouteOrder *order = <RouteOrder *>calloc(1, sizeof(RouteOrder))
    if order == NULL:
        raise MemoryError
    try:
        memset(order.payload_types, UNMAPPED, 128)
        fill_map("payload type", order.payload_types, payload_types, 0, 127, 0, 127)
        fill_map("extension id", order.extensions, extensions, 1, 255, 1, 255)
        order.two_byte = sender.mid_ext_id > 14 or any(value > 14 for value in extensions.values())
    except BaseException:
        free(order)
        raise
    return order
