import pytest

from conclave.model.errors import ConclaveError, ErrorCode, ProtocolViolation, Refused, Unavailable


def test_the_error_codes_on_the_wire_are_stable() -> None:
    assert {str(code) for code in ErrorCode} == {
        "unauthorized",
        "forbidden",
        "invalid",
        "not_found",
        "conflict",
        "rate_limited",
        "too_large",
        "unavailable",
    }


@pytest.mark.parametrize("error", [Refused, ProtocolViolation])
def test_a_refusal_carries_its_code_and_detail(error: type[Refused] | type[ProtocolViolation]) -> None:
    raised = error(ErrorCode.FORBIDDEN, "not now")
    assert (raised.code, raised.detail, str(raised)) == (ErrorCode.FORBIDDEN, "not now", "forbidden: not now")
    assert isinstance(raised, ConclaveError)


def test_a_failed_door_says_which_door_it_was() -> None:
    assert str(Unavailable("audit", "disk full")) == "audit: disk full"
