"""Laws 1, 5 and 7: cores do no I/O and read no clock; imports go only downstairs; the plane touches no Python per packet."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "server" / "conclave"
CORES = ("model", "policy", "ports", "signaling", "media", "identity", "meeting")
FORBIDDEN = frozenset(
    {"asyncio", "time", "socket", "ssl", "select", "selectors", "threading", "subprocess", "random", "secrets", "os",
     "sqlite3", "http", "urllib", "aiohttp", "uvloop", "structlog", "logging", "pathlib", "io", "tempfile"}
)  # fmt: skip
"""What a core may not import: clocks, sockets, files, randomness, logs. Time and entropy are arguments."""


def core_modules() -> list[Path]:
    return sorted(path for floor in CORES for path in (PACKAGE / floor).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", core_modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_core_neither_waits_nor_reads_clock_file_or_socket(path: Path) -> None:
    tree = ast.parse(path.read_text())
    waiting = [
        node for node in ast.walk(tree) if isinstance(node, (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith))
    ]
    assert not waiting
    assert not FORBIDDEN & set(imported(tree))
    assert not [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("open", "print")
    ]


def test_imports_go_only_downstairs_by_import_linter() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout


def test_every_floor_of_the_tree_stands_in_the_contract() -> None:
    contract = (ROOT / "pyproject.toml").read_text()
    for floor in (path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()):
        assert f"conclave.{floor}" in contract
