"""server/DESIGN.md speaks of modules, classes and functions that exist."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DESIGN = (ROOT / "server" / "DESIGN.md").read_text()
PLANE = "".join(
    path.read_text() for path in (ROOT / "server" / "conclave" / "plane").iterdir() if path.suffix in (".pxi", ".pyx")
)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(conclave(?:\.[a-z_]+)+)`", DESIGN))))
def test_every_module_that_the_design_names_can_be_imported(name: str) -> None:
    importlib.import_module(name)


@pytest.mark.parametrize(("thing", "module"), sorted(set(re.findall(r"`([A-Za-z_.]+)` \(`(conclave[a-z_.]+)`", DESIGN))))
def test_every_name_with_its_module_is_found_there(thing: str, module: str) -> None:
    found = importlib.import_module(module)
    for part in thing.split("."):
        found = getattr(found, part)


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:receive|forward|send|learn|raise|lane)_[a-z_]+|flush|commit)`", DESIGN)))
)
def test_every_function_of_the_packets_road_is_in_the_plane(name: str) -> None:
    assert re.search(rf"^cdef .*\b{name}\(", PLANE, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[a-z_/.]+)`", DESIGN))))
def test_every_test_that_the_design_names_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_every_floor_stands_in_the_drawing() -> None:
    drawing = DESIGN.split("## Floors")[1].split("```")[1]
    for path in (ROOT / "server" / "conclave").iterdir():
        if (path / "__init__.py").exists():
            assert re.search(rf"\b{path.name}\b", drawing)
