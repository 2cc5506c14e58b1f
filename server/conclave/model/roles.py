"""Roles in a meeting and the permissions they can hold (spec, section 2)."""

from enum import StrEnum


class Role(StrEnum):
    """What a participant is in one meeting. Each role holds all that the roles under it hold."""

    HOST = "host"
    CO_HOST = "co-host"
    PARTICIPANT = "participant"
    VIEWER = "viewer"


class Permission(StrEnum):
    """A right that a message or a route needs. The first four go beyond the spec's table: they name what
    everybody may do who got past the door, so that no message exists without a permission."""

    SESSION_USE = "session.use"
    MEETING_ATTEND = "meeting.attend"
    MEDIA_RECEIVE = "media.receive"
    MEDIA_PUBLISH = "media.publish"

    MEETING_CREATE = "meeting.create"
    MEETING_DELETE = "meeting.delete"
    MEETING_MODIFY = "meeting.modify"
    PARTICIPANT_ADMIT = "participant.admit"
    PARTICIPANT_REMOVE = "participant.remove"
    PARTICIPANT_MUTE = "participant.mute"
    RECORDING_START = "recording.start"
    RECORDING_STOP = "recording.stop"
    RECORDING_DOWNLOAD = "recording.download"
    SCREEN_SHARE_CONTROL = "screen_share.control"
    SCREEN_SHARE_START = "screen_share.start"
    BREAKOUT_ROOMS_CREATE = "breakout_rooms.create"
    BREAKOUT_ROOMS_MANAGE = "breakout_rooms.manage"
    AUDIO_TOGGLE = "audio.toggle"
    VIDEO_TOGGLE = "video.toggle"
    CHAT_SEND = "chat.send"
    REACTIONS_SEND = "reactions.send"
    HAND_RAISE = "hand.raise"
