from hypothesis import given
from hypothesis import strategies as st

from conclave.hub import refusals
from conclave.hub.refusals import WINDOW_S, Refusal, Refusals
from conclave.hub.scheduler import Scheduler
from conclave.ports.audit import AuditEvent


class FrozenClock:
    def monotonic(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 0.0


def raise_it(error: Exception) -> None:
    raise error


def record() -> tuple[Refusals, Scheduler, list[AuditEvent]]:
    recorded: list[AuditEvent] = []
    scheduler = Scheduler(FrozenClock(), raise_it)
    return Refusals(recorded.append, scheduler), scheduler, recorded


GUESS = Refusal("hello", "unauthorized", "new")


def test_the_first_refusal_of_a_kind_is_recorded_at_once() -> None:
    log, _, recorded = record()
    log.note(GUESS, 0.0)
    log.note(Refusal("join", "unauthorized", "new"), 0.0)
    assert [(event.details["message"], event.details["times"]) for event in recorded] == [("hello", 1), ("join", 1)]


def test_a_thousand_guesses_are_two_records() -> None:
    log, scheduler, recorded = record()
    for _ in range(1_000):
        log.note(GUESS, 0.0)
    scheduler.fire(WINDOW_S)
    assert [event.details["times"] for event in recorded] == [1, 999]


def test_what_happened_once_is_recorded_once() -> None:
    log, scheduler, recorded = record()
    log.note(GUESS, 0.0)
    scheduler.fire(WINDOW_S)
    assert len(recorded) == 1
    assert len(scheduler) == len(log) == 0


def test_the_same_kind_in_the_next_window_is_recorded_at_once_again() -> None:
    log, scheduler, recorded = record()
    log.note(GUESS, 0.0)
    scheduler.fire(WINDOW_S)
    log.note(GUESS, WINDOW_S + 1)
    assert [event.details["times"] for event in recorded] == [1, 1]


def test_too_many_kinds_are_recorded_and_forgotten() -> None:
    log, _, recorded = record()
    limit, refusals.MAX_KINDS = refusals.MAX_KINDS, 3
    try:
        for number in range(10):
            log.note(Refusal("join", "conflict", "greeted", session_id=str(number)), 0.0)
            log.note(Refusal("join", "conflict", "greeted", session_id=str(number)), 0.0)
            assert len(log) <= 3
    finally:
        refusals.MAX_KINDS = limit
    log.flush()
    assert sum(int(event.details["times"]) for event in recorded) == 20


@given(st.lists(st.tuples(st.sampled_from(["join", "hello"]), st.sampled_from("ab"), st.floats(0, 5)), max_size=60))
def test_no_refusal_is_lost(steps: list[tuple[str, str, float]]) -> None:
    log, scheduler, recorded = record()
    now = 0.0
    for message, session_id, pause in steps:
        now += pause
        scheduler.fire(now)
        log.note(Refusal(message, "unauthorized", "new", session_id=session_id), now)
    log.flush()
    assert sum(int(event.details["times"]) for event in recorded) == len(steps)
