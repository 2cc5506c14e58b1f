from typing import get_type_hints

from conclave.ports.observer import WideEvent


def test_a_wide_event_has_no_field_for_a_name_a_token_or_an_address() -> None:
    fields = get_type_hints(WideEvent)
    assert not {"display_name", "name", "token", "resume_token", "address", "source", "sdp"} & fields.keys()
    assert {"type", "phase", "role", "outcome", "code", "duration_us", "size_bytes"} <= fields.keys()
