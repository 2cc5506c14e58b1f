import json
import stat
from pathlib import Path

import pytest
from tests.support.shelves import put_recording
from tests.support.tapped import ANN, ONE

from conclave.cli.commands import application
from conclave.cli.recordings import export_recording, list_recordings
from conclave.config.settings import Settings, StateSettings
from conclave.model.errors import Refused


def settings_for(directory: Path) -> Settings:
    put_recording(directory, "m" * 16)
    return Settings(state=StateSettings(directory=str(directory)))


def test_every_recording_is_listed_with_its_meeting_and_state(tmp_path: Path) -> None:
    assert list_recordings(settings_for(tmp_path)) == [f"{ONE}  meeting {'m' * 16}  2 files  finished"]


def test_an_export_has_a_file_for_each_participant_for_this_user_alone(tmp_path: Path) -> None:
    written = export_recording(settings_for(tmp_path), ONE, tmp_path / "out")
    assert {path.name for path in written} == {"contents.json", f"{ANN}.webm", "speakers.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    assert json.loads((tmp_path / "out" / "contents.json").read_text())["participants"] == {ANN: "Ann"}
    assert b"V_VP8" in (tmp_path / "out" / f"{ANN}.webm").read_bytes()


def test_an_export_overwrites_nothing_and_an_unknown_recording_is_refused(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    export_recording(settings, ONE, tmp_path / "out")
    with pytest.raises(FileExistsError):
        export_recording(settings, ONE, tmp_path / "out")
    with pytest.raises(Refused):
        export_recording(settings, "q" * 16, tmp_path / "out")


def test_the_commands_print_what_they_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings_for(tmp_path)
    monkeypatch.setenv("CONCLAVE_STATE__DIRECTORY", str(tmp_path))
    application(["recording", "list"], exit_on_error=False)
    application(["recording", "export", ONE, "--output", str(tmp_path / "out")], exit_on_error=False)
    out = capsys.readouterr().out
    assert ONE in out
    assert f"{ANN}.webm" in out
    with pytest.raises(SystemExit):
        application(["recording", "export", "q" * 16, "--output", str(tmp_path / "none")], exit_on_error=False)
    assert "no such recording" in capsys.readouterr().err
