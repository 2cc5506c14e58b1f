"""What each message does (law 2): MESSAGES says what it needs, GRANTS who has it, HANDLERS what it does."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from conclave.meeting import (
    attendance,
    breakout,
    expression,
    hosting,
    inviting,
    lobby,
    moderation,
    publishing,
    recording,
    sharing,
    subscribing,
    switches,
)
from conclave.meeting.context import Call, Outcome, Recorded
from conclave.meeting.media_facts import collect
from conclave.ports.audit import Record
from conclave.signaling import messages
from conclave.signaling.messages import MESSAGES, Request

Handler = Callable[[Call, Any, float], Outcome]

HANDLERS: Mapping[type[Request], Handler] = MappingProxyType(
    {
        messages.MeetingCreate: attendance.create,
        messages.Join: attendance.join,
        messages.Leave: attendance.leave,
        messages.MeetingEnd: attendance.end_by_host,
        messages.HostPass: hosting.pass_to,
        messages.MeetingModify: switches.modify,
        messages.MeetingLock: switches.lock,
        messages.MeetingSuspend: switches.suspend,
        messages.MeetingResume: switches.resume,
        messages.InvitationCreate: inviting.create,
        messages.InvitationList: inviting.list_all,
        messages.InvitationRevoke: inviting.revoke,
        messages.Knock: lobby.knock,
        messages.ParticipantAdmit: lobby.admit,
        messages.LobbyDeny: lobby.deny,
        messages.ParticipantRemove: moderation.remove,
        messages.ParticipantMute: moderation.mute,
        messages.ParticipantsMute: moderation.mute_all,
        messages.ParticipantAllowUnmute: moderation.allow_unmute,
        messages.ParticipantSetRole: moderation.set_role,
        messages.ScreenShareControl: sharing.control,
        messages.AudioPublish: publishing.publish_audio,
        messages.VideoPublish: publishing.publish_video,
        messages.ScreenPublish: publishing.publish_screen,
        messages.PublisherOffer: publishing.offer,
        messages.Unpublish: publishing.unpublish,
        messages.AudioMute: publishing.mute_audio,
        messages.VideoMute: publishing.mute_video,
        messages.Subscribe: subscribing.subscribe,
        messages.Unsubscribe: subscribing.unsubscribe,
        messages.SubscriberAnswer: subscribing.answer,
        messages.SubscriberRestart: subscribing.restart,
        messages.PlaybackOffer: subscribing.playback,
        messages.HandRaise: expression.raise_hand,
        messages.ReactionSend: expression.react,
        messages.RecordingStart: recording.start,
        messages.RecordingPause: recording.pause,
        messages.RecordingConsent: recording.consent,
        messages.RecordingStop: recording.stop,
        messages.RecordingDownload: recording.download,
        messages.BreakoutCreate: breakout.create,
        messages.BreakoutManage: breakout.manage,
        messages.BreakoutEnter: breakout.enter,
        messages.BreakoutReady: breakout.ready,
        messages.BreakoutAnnounce: breakout.announce,
        messages.BreakoutClose: breakout.close,
    }
)


def handle(call: Call, request: Request, now: float, record: Record) -> Struct:
    """Run the handler of a request that passed the gate and return its result.

    An audited one says first what it will do; `record` makes that durable as a whole, and only then it is done (law 4). Raises
    Refused from the handler, Unavailable from `record`; nothing has changed then.
    """
    outcome = HANDLERS[type(request)](call, request, now)
    if isinstance(outcome, Recorded):
        if outcome.events:
            record(*outcome.events)
        outcome = outcome.apply()
    collect(call)
    return outcome


def check_declarations(handled_elsewhere: frozenset[type[Request]]) -> None:
    """Raise TypeError unless every message has exactly one handler, here or in `handled_elsewhere`, or is not available."""
    available = {message for message, rule in MESSAGES.items() if rule.available}
    handled = HANDLERS.keys() | handled_elsewhere
    if available != handled or HANDLERS.keys() & handled_elsewhere:
        names = sorted(message.__name__ for message in available ^ handled)
        raise TypeError(f"messages and handlers disagree: {names}")
