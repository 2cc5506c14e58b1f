import pytest
from tests.support.matrix import GOLDEN, STATES, compute, example, parse, render

from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.policy.buckets import Buckets
from conclave.policy.limits import RATES
from conclave.policy.rbac import GRANTS
from conclave.policy.rules import MeetingState, Phase, RateClass
from conclave.signaling import messages
from conclave.signaling.gate import Standing, admit
from conclave.signaling.messages import MESSAGES, Request

ME, OTHER, TRACK = "m" * 16, "o" * 16, "t" * 16


def standing(role: Role | None, phase: Phase = Phase.JOINED, meeting: MeetingState = MeetingState.ACTIVE) -> Standing:
    return Standing(phase, role, meeting, ME, {TRACK}, {ME: 1, OTHER: 2}, {OTHER})


def outcome(request: Request, where: Standing, buckets: Buckets | None = None) -> str:
    try:
        admit(request, where, buckets or Buckets(RATES), 0.0)
    except Refused as refusal:
        return refusal.code
    return "ok"


def cell(message: type[Request], role: Role, state: str) -> str:
    phase, meeting = STATES[state]
    where = Standing(phase) if phase is Phase.NEW else standing(role, phase, meeting)
    return outcome(example(message, TRACK, OTHER, {}), where)


def test_the_matrix_is_the_reviewed_one() -> None:
    assert render(compute(cell)) == GOLDEN.read_text(encoding="utf-8")


def test_the_golden_file_can_be_read_back() -> None:
    assert parse(GOLDEN.read_text(encoding="utf-8")) == compute(cell)


def test_unauthorized_means_exactly_that_the_role_lacks_the_permission() -> None:
    for (name, role, state), code in compute(cell).items():
        message = next(message for message in MESSAGES if messages.type_of(message) == name)
        holds = MESSAGES[message].permission in GRANTS[Role(role)]
        if state != "new":
            assert (code == ErrorCode.UNAUTHORIZED) is not holds


@pytest.mark.parametrize("message", [message for message in MESSAGES if Phase.NEW not in MESSAGES[message].phases])
def test_before_hello_every_other_message_is_unauthorized(message: type[Request]) -> None:
    assert outcome(example(message, TRACK, OTHER, {}), Standing(Phase.NEW)) == ErrorCode.UNAUTHORIZED


@pytest.mark.parametrize(
    "message",
    [messages.AudioPublish, messages.VideoPublish, messages.ScreenPublish, messages.PublisherOffer, messages.Unpublish],
)
def test_a_viewer_cannot_send_any_publishing_message(message: type[Request]) -> None:
    assert outcome(example(message, TRACK, OTHER, {}), standing(Role.VIEWER)) == ErrorCode.UNAUTHORIZED


def test_a_foreign_and_an_unknown_track_are_refused_in_the_same_words() -> None:
    details = set()
    for track_id in ("f" * 16, "u" * 16):
        with pytest.raises(Refused) as caught:
            admit(messages.Unpublish(id=1, track_id=track_id), standing(Role.HOST), Buckets(RATES), 0.0)
        details.add((caught.value.code, caught.value.detail))
    assert details == {(ErrorCode.NOT_FOUND, "you have no such track")}


def test_naming_oneself_where_another_is_meant_is_forbidden() -> None:
    assert outcome(messages.HostPass(id=1, participant_id=ME), standing(Role.HOST)) == ErrorCode.FORBIDDEN


def test_an_unknown_participant_is_not_found() -> None:
    assert outcome(messages.HostPass(id=1, participant_id="x" * 16), standing(Role.HOST)) == ErrorCode.NOT_FOUND


def test_a_missing_permission_comes_before_an_unknown_target() -> None:
    assert outcome(messages.HostPass(id=1, participant_id="x" * 16), standing(Role.VIEWER)) == ErrorCode.UNAUTHORIZED


def test_a_feature_that_is_not_built_is_unavailable_only_to_those_who_hold_its_permission() -> None:
    request = messages.ChatSend(id=1, envelope=b"")
    assert outcome(request, standing(Role.VIEWER)) == ErrorCode.UNAVAILABLE
    assert outcome(request, Standing(Phase.GREETED, Role.VIEWER)) == ErrorCode.FORBIDDEN


def test_a_target_that_does_not_exist_comes_before_unavailable() -> None:
    request = messages.ParticipantRemove(id=1, participant_id="x" * 16)
    assert outcome(request, standing(Role.HOST)) == ErrorCode.NOT_FOUND


def test_an_empty_bucket_refuses_and_time_fills_it() -> None:
    buckets, where, request = Buckets(RATES), standing(Role.HOST), messages.HandRaise(id=1, raised=True)
    burst = int(RATES[RateClass.EXPRESSION].burst)
    assert [outcome(request, where, buckets) for _ in range(burst + 1)] == ["ok"] * burst + [ErrorCode.RATE_LIMITED]
    admit(request, where, buckets, 1.0)


def test_a_message_without_permission_takes_no_token() -> None:
    buckets = Buckets(RATES)
    for _ in range(100):
        assert outcome(messages.MeetingEnd(id=1), standing(Role.VIEWER), buckets) == ErrorCode.UNAUTHORIZED
    assert outcome(messages.Leave(id=1), standing(Role.VIEWER), buckets) == "ok"


def test_the_rule_that_let_a_message_pass_is_returned() -> None:
    assert admit(messages.Ping(id=1), Standing(Phase.NEW), Buckets(RATES), 0.0) is MESSAGES[messages.Ping]


def test_a_message_without_a_rule_cannot_pass() -> None:
    with pytest.raises(KeyError):
        admit(messages.Request(id=1), standing(Role.HOST), Buckets(RATES), 0.0)
