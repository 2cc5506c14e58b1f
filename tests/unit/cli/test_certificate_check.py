import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from conclave.cli.certificate_check import check_certificate
from conclave.cli.findings import Level


def load_maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conclave_certs_make", Path(__file__).parents[3] / "certs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    load_maker().make(tmp_path, ("meet.example",), 90)
    return tmp_path / "server.pem", tmp_path / "server.key"


def problems(pair: tuple[Path, Path], host: str = "localhost", after: timedelta = timedelta(0)) -> list[str]:
    now = datetime.now(UTC) + after
    return [finding.text for finding in check_certificate(*pair, host, now) if finding.level is not Level.OK]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "meet.example", "MEET.example"])
def test_a_good_pair_has_no_findings(pair: tuple[Path, Path], host: str) -> None:
    assert problems(pair, host) == []


def test_a_name_that_the_certificate_lacks_is_an_error(pair: tuple[Path, Path]) -> None:
    assert "does not name other.example" in problems(pair, "other.example")[0]


def test_an_expired_certificate_and_one_from_the_future_are_errors(pair: tuple[Path, Path]) -> None:
    assert "expired" in problems(pair, after=timedelta(days=91))[0]
    assert "is the clock right" in problems(pair, after=-timedelta(days=1))[0]


def test_a_certificate_near_its_end_is_a_warning(pair: tuple[Path, Path]) -> None:
    assert "renew it" in problems(pair, after=timedelta(days=80))[0]


def test_a_foreign_key_is_an_error(pair: tuple[Path, Path], tmp_path: Path) -> None:
    load_maker().make(tmp_path / "other", ())
    assert "is not the unencrypted PEM key" in problems((pair[0], tmp_path / "other" / "server.key"))[0]


def test_missing_files_are_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert "absent.pem does not exist" in problems((tmp_path / "absent.pem", pair[1]))[0]
    assert "absent.key does not exist" in problems((pair[0], tmp_path / "absent.key"))[0]


def test_nonsense_in_place_of_a_certificate_is_an_error(pair: tuple[Path, Path]) -> None:
    pair[0].write_text("nonsense")
    assert "holds no PEM certificate" in problems(pair)[0]


def test_a_key_that_every_user_can_read_is_a_warning(pair: tuple[Path, Path]) -> None:
    pair[1].chmod(0o644)
    assert "chmod 600" in problems(pair)[0]
