import os
import stat
from pathlib import Path

import pytest

from conclave.app.state import KEY_FILE, StateError, hold_directory, load_invitation_key, prepare_directory


def test_a_missing_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    prepare_directory(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o701])
def test_a_directory_open_to_others_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(mode)
    with pytest.raises(StateError, match="chmod 700"):
        prepare_directory(tmp_path / "state")


def test_a_directory_is_held_by_one_at_a_time_and_free_again_at_its_end(tmp_path: Path) -> None:
    held = hold_directory(tmp_path)
    with pytest.raises(StateError, match="another server"):
        hold_directory(tmp_path)
    os.close(held)
    os.close(hold_directory(tmp_path))


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(StateError):
        prepare_directory(tmp_path / "state")


def test_the_key_is_made_once_with_mode_0600_and_kept(tmp_path: Path) -> None:
    first = load_invitation_key(tmp_path)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert load_invitation_key(tmp_path).kid == first.kid


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_open_to_others_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    load_invitation_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(StateError, match="chmod 600"):
        load_invitation_key(tmp_path)


def test_a_damaged_key_is_refused_without_being_quoted(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).touch(mode=0o600)
    (tmp_path / KEY_FILE).write_text("secret words")
    with pytest.raises(StateError) as caught:
        load_invitation_key(tmp_path)
    assert "secret words" not in str(caught.value)


def test_a_link_in_place_of_the_key_is_not_followed(tmp_path: Path) -> None:
    load_invitation_key(tmp_path)
    (tmp_path / KEY_FILE).rename(tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", tmp_path / KEY_FILE)
    with pytest.raises(StateError):
        load_invitation_key(tmp_path)
