"""What must never lie in the tree: keys, tokens, paths of one machine, places that packages come from."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT_LIMIT_BYTES = 2_000_000


def committed() -> list[str]:
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this tree is not a git repository")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> dict[str, str]:
    found = {}
    for name in committed():
        path = ROOT / name
        if path.stat().st_size > TEXT_LIMIT_BYTES:
            continue
        try:
            found[name] = path.read_text()
        except UnicodeDecodeError:
            continue
    return found


def holders(pattern: str) -> list[str]:
    compiled = re.compile(pattern)
    return [name for name, text in texts().items() if compiled.search(text)]


def test_no_key_and_no_certificate_is_committed() -> None:
    assert [name for name in committed() if name.endswith((".key", ".pem", ".p12", ".jsonl"))] == []
    assert holders(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{40,}") == []


def test_no_signed_token_is_committed() -> None:
    assert [name for name in holders(r"eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{40,}") if not name.startswith("tests/")] == []


def test_no_path_of_one_machine_is_written_down() -> None:
    assert holders(r"/(?:work/(?:main|shared)|root/|home/[a-z]+/|tmp/w/)") == []


def test_no_place_that_packages_come_from_is_written_down() -> None:
    hosts = ("pypi", "pythonhosted", "registry.npm" + "js", "npm" + "mirror", "deb.deb" + "ian", "index" + "-url")
    assert holders("|".join(re.escape(host) + r"(?:\.org|\.com|[=/])" for host in hosts)) == []


def test_every_pin_of_the_lock_file_is_exact() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.+!]+", line), line


def test_every_dependency_of_the_project_is_pinned_in_the_lock_file() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(item for extra in project["optional-dependencies"].values() for item in extra)]
    pinned = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in (ROOT / "requirements.lock").read_text().splitlines()
    }
    for requirement in wanted:
        match = re.match(r"[A-Za-z0-9_.-]+", requirement)
        assert match is not None
        assert re.sub(r"[-_.]+", "-", match.group()).lower() in pinned
