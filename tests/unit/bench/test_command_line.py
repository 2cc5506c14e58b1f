import pytest
from bench.__main__ import Options, app
from bench.progress import Progress
from rich.console import Console


@pytest.mark.parametrize("scenario", ["webinar", "meeting", "join"])
def test_another_machine_is_not_loaded_by_accident(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app([scenario, "https://192.0.2.1"])
    assert ended.value.code == 2
    assert "--yes-remote" in " ".join(capsys.readouterr().err.split())


def test_a_server_that_is_not_there_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["webinar", "https://127.0.0.1:1"])
    assert ended.value.code == 1
    assert "bench: webinar:" in capsys.readouterr().err


def test_strong_profiles_are_offered_first() -> None:
    assert [str(profile) for profile in Options().profile] == ["gcm128", "gcm256", "cm"]


def test_progress_without_a_terminal_is_one_line_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(Console(stderr=True, force_terminal=False)) as progress:
        for done in range(5):
            progress.report("joining", done, 5)
        progress.report("measuring", 1, 5)
    assert capsys.readouterr().err.splitlines() == ["joining ...", "measuring ..."]
