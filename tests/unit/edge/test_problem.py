import json

import pytest

from conclave.edge.problem import CONTENT_TYPE, STATUS, Problem, problem_of, respond, unauthenticated
from conclave.model.errors import ConclaveError, ErrorCode, ProtocolViolation, Refused, Unavailable


def test_every_error_code_has_a_status() -> None:
    assert STATUS.keys() == set(ErrorCode)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_refusal_keeps_its_code_and_its_words(code: ErrorCode) -> None:
    problem = problem_of(Refused(code, "because"))
    assert (problem.status, problem.code, problem.detail) == (STATUS[code], code, "because")
    assert problem_of(ProtocolViolation(code, "because")).code is code


@pytest.mark.parametrize(("left_s", "header"), [(None, "1"), (0.2, "1"), (1.0, "1"), (899.01, "900")])
def test_a_rate_that_is_exceeded_says_when_to_come_again(left_s: float | None, header: str) -> None:
    assert problem_of(Refused(ErrorCode.RATE_LIMITED, "because", left_s)).headers == {"Retry-After": header}
    assert problem_of(Refused(ErrorCode.FORBIDDEN, "because", left_s)).headers == {}


def test_a_broken_door_is_503_and_does_not_say_why() -> None:
    problem = problem_of(Unavailable("audit", "disk full on /srv"))
    assert problem.status == 503
    assert "disk" not in problem.detail


def test_an_unknown_error_of_ours_is_500_without_its_text() -> None:
    problem = problem_of(ConclaveError("secret"))
    assert problem.status == 500
    assert "secret" not in problem.detail


def test_a_problem_passes_unchanged() -> None:
    problem = Problem(418, ErrorCode.INVALID, "x")
    assert problem_of(problem) is problem


def test_the_response_is_problem_json_with_an_incident_when_it_was_our_fault() -> None:
    response = respond(unauthenticated("who are you"), "incident-1")
    assert response.content_type == CONTENT_TYPE
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {
        "type": "about:blank", "status": 401, "code": "unauthorized", "detail": "who are you", "incident": "incident-1",
    }  # fmt: skip
