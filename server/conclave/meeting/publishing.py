"""What a participant sends: declared tracks, the offer that carries them, muting and ending them."""

from conclave.meeting import sharing, silence
from conclave.meeting.context import Call, Outcome, Recorded
from conclave.meeting.state import Track
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import TrackId
from conclave.model.media import MediaKind, TrackSource
from conclave.signaling.messages import (
    AudioMute,
    AudioPublish,
    Empty,
    Published,
    PublisherOffer,
    ScreenPublish,
    SdpAnswer,
    Unpublish,
    VideoMute,
    VideoPublish,
)


def publish_audio(call: Call, message: AudioPublish, _now: float) -> Outcome:
    """Declare a microphone track."""
    return Published([_declare(call, message.mid, TrackSource.MICROPHONE)])


def publish_video(call: Call, message: VideoPublish, _now: float) -> Outcome:
    """Declare a camera track."""
    return Published([_declare(call, message.mid, TrackSource.CAMERA)])


def publish_screen(call: Call, message: ScreenPublish, now: float) -> Outcome:
    """Declare a screen share and, with `audio_mid`, the sound of what is shared; both or neither."""
    if message.audio_mid == message.mid:
        raise Refused(ErrorCode.INVALID, "a mid carries one track")
    wanted = {message.mid: TrackSource.SCREEN}
    if message.audio_mid is not None:
        wanted[message.audio_mid] = TrackSource.SCREEN_AUDIO
    taken = sharing.check(call, message.take_over)
    call.room.check_declarations(call.me.participant_id, wanted)

    def apply() -> Published:
        for other in taken:
            sharing.end(call, other, "taken_over", now)
        return Published([_declare(call, mid, source) for mid, source in wanted.items()])

    if not taken:
        return apply()
    me = call.me.participant_id
    return Recorded(tuple(call.event("screen_share_taken_over", other, by=me) for other in taken), apply)


def offer(call: Call, message: PublisherOffer, now: float) -> Outcome:
    """Negotiate the publishing peer connection; declared tracks go live with the answer."""
    return SdpAnswer(call.room.publisher_offer(call.me.participant_id, message.sdp, now))


def unpublish(call: Call, message: Unpublish, now: float) -> Outcome:
    """End one's own track."""
    _end(call, TrackId(message.track_id), now)
    return Empty()


def mute_audio(call: Call, message: AudioMute, _now: float) -> Outcome:
    """Mute or unmute one's own audio track."""
    return _mute(call, TrackId(message.track_id), MediaKind.AUDIO, message.muted)


def mute_video(call: Call, message: VideoMute, _now: float) -> Outcome:
    """Stop or start one's own camera or screen."""
    return _mute(call, TrackId(message.track_id), MediaKind.VIDEO, message.muted)


def _declare(call: Call, mid: str, source: TrackSource) -> TrackId:
    me = call.me
    track_id = call.room.declare(me.participant_id, mid, source)
    if track_id not in call.meeting.tracks:
        track = Track(track_id=track_id, participant_id=me.participant_id, source=source)
        track.muted_by_owner = not silence.may_unmute(call, me, source)
        call.meeting.add_track(track)
        silence.settle(call, track)
    return track_id


def _end(call: Call, track_id: TrackId, now: float) -> None:
    """End a track; one that never went live was known to its owner alone, so nobody is told."""
    call.room.unpublish(call.me.participant_id, track_id, now)
    if not call.meeting.tracks[track_id].live:
        call.meeting.remove_track(track_id)


def _mute(call: Call, track_id: TrackId, kind: MediaKind, muted: bool) -> Outcome:
    track = call.meeting.tracks[track_id]
    if track.source.kind is not kind:
        raise Refused(ErrorCode.INVALID, f"not {kind}")
    if not muted and not silence.may_unmute(call, call.me, track.source):
        raise Refused(ErrorCode.FORBIDDEN, "a host has muted you")
    track.muted_by_owner = muted
    silence.settle(call, track)
    return Empty()
