import os
import time
from pathlib import Path

import pytest

from conclave.app.state import load_invitation_key
from conclave.cli.invitation import first_link, has_key, make_invitation, parse_duration
from conclave.config.settings import Settings, StateSettings
from conclave.identity.invitations import Invitations
from conclave.model.errors import Refused
from conclave.model.roles import Role


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=StateSettings(directory=str(tmp_path / "state")))


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5_400), ("24h", 86_400), ("7d", 604_800), ("60s", 60)])
def test_durations_are_numbers_with_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1.5h", "1w", "99999999h"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_an_invitation_is_good_on_the_server_with_the_same_state(settings: Settings) -> None:
    issued = make_invitation(settings, "new", Role.HOST, 3_600, 2)
    invitations = Invitations(load_invitation_key(Path(settings.state.directory)), os.urandom)
    claims = invitations.verify(issued.token, time.time())
    assert (claims.role, claims.seats, len(claims.sub)) == (Role.HOST, 2, 16)


def test_a_named_meeting_is_kept_and_a_malformed_one_refused(settings: Settings) -> None:
    assert make_invitation(settings, "m" * 16, Role.VIEWER, 60, 0).claims.sub == "m" * 16
    for meeting in ("too-short", "m" * 17, "m" * 15 + "/"):
        with pytest.raises(ValueError, match="no meeting's id"):
            make_invitation(settings, meeting, Role.VIEWER, 60, 0)


def test_whether_the_state_has_a_key_is_told(settings: Settings) -> None:
    assert not has_key(settings)
    make_invitation(settings, "new", Role.HOST, 60, 0)
    assert has_key(settings)


def test_a_lifetime_beyond_the_limit_is_refused(settings: Settings) -> None:
    with pytest.raises(Refused):
        make_invitation(settings, "new", Role.HOST, 31 * 86_400, 0)


def test_the_first_link_carries_the_token_in_its_fragment(settings: Settings) -> None:
    make_invitation(settings, "new", Role.HOST, 60, 0)
    link = first_link(Invitations(load_invitation_key(Path(settings.state.directory)), os.urandom), 8_443)
    assert link.startswith("https://localhost:8443/#eyJ")
