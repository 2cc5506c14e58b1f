"""Law 8 and the sizes: a file has a twin test, a test name is a sentence, a module stays small."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "server" / "conclave"
MAX_LINES = 600
MIN_WORDS = 4

WITHOUT_TWIN = {
    "media/commands.py": "nouns without behaviour; performed in tests/unit/hub/test_media_pump.py",
    "media/parameters.py": "nouns without behaviour; used by every test of the transport",
    "__main__.py": "one call; run by tests/unit/app/test_run.py",
}


def python_files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    return sorted(found)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", python_files("server", "bench", "tests", "certs"), ids=relative)
def test_no_module_is_longer_than_six_hundred_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


def test_no_part_of_the_plane_is_longer_than_six_hundred_lines() -> None:
    parts = [path for path in (PACKAGE / "plane").iterdir() if path.suffix in (".pyx", ".pxi", ".pxd", ".pyi")]
    assert parts
    assert [path.name for path in parts if len(path.read_text().splitlines()) > MAX_LINES] == []


def modules_with_code() -> list[str]:
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    return sorted(str(path.relative_to(PACKAGE)) for path in files)


@pytest.mark.parametrize("module", modules_with_code())
def test_every_module_has_its_twin_test(module: str) -> None:
    if module in WITHOUT_TWIN:
        pytest.skip(WITHOUT_TWIN[module])
    path = Path(module)
    twins = [ROOT / "tests" / "unit" / path.parent / f"test_{path.name}"]
    if path.parts[0] == "store":
        twins.append(ROOT / "tests" / "store" / f"test_{path.stem}_contract.py")
    assert any(twin.is_file() for twin in twins)


def test_no_exemption_from_the_twin_rule_is_stale() -> None:
    for module in WITHOUT_TWIN:
        assert (PACKAGE / module).is_file()
        assert not (ROOT / "tests" / "unit" / Path(module).parent / f"test_{Path(module).name}").exists()


def names_in(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return [function.name for function in functions if function.name.startswith("test_")]


@pytest.mark.parametrize("path", [path for path in python_files("tests") if path.name.startswith("test_")], ids=relative)
def test_a_test_name_is_a_sentence(path: Path) -> None:
    short = [name for name in names_in(path) if len(name.split("_")) < MIN_WORDS]
    assert short == []


@pytest.mark.parametrize("path", python_files("server"), ids=relative)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", python_files("server", "bench"), ids=relative)
def test_no_name_says_utils_helpers_or_manager(path: Path) -> None:
    for word in ("utils", "helper", "manager"):
        assert word not in path.stem
