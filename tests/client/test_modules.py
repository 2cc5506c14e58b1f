"""The web client's pure modules under node, and what a strict content security policy demands of its files."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conclave.policy.rbac import GRANTS

REPOSITORY = Path(__file__).parents[2]
CLIENT = REPOSITORY / "client_demo"
MODULES = sorted(path.name for path in Path(__file__).parent.glob("*.test.mjs"))
OWN_FILES = sorted(
    path for path in CLIENT.rglob("*") if path.suffix in {".js", ".html", ".css", ".svg"} and "vendor" not in path.parts
)
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(\"style\"|javascript:|DOMParser"
)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("module", MODULES)
def test_the_module_keeps_what_its_tests_say(module: str) -> None:
    command = ["node", "--test", str(Path(__file__).parent / module)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_role_is_offered_what_the_server_grants_it() -> None:
    program = (
        f"import {{ GRANTS }} from {json.dumps((CLIENT / 'roles.js').as_uri())};"
        "console.log(JSON.stringify(Object.fromEntries(Object.entries(GRANTS).map(([role, held]) => [role, [...held]]))));"
    )
    command = ["node", "--input-type=module", "--eval", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert {role: set(held) for role, held in json.loads(done.stdout).items()} == {
        str(role): {str(permission) for permission in held} for role, held in GRANTS.items()
    }


def test_vendored_files_are_those_that_were_recorded() -> None:
    lines = (CLIENT / "vendor" / "SHA256SUMS").read_text().splitlines()
    recorded = {name: digest for digest, name in (line.split() for line in lines)}
    present = {path.name for path in (CLIENT / "vendor").iterdir()} - {"SHA256SUMS"}
    assert present == set(recorded)
    for name, digest in recorded.items():
        assert hashlib.sha256((CLIENT / "vendor" / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda path: str(path.relative_to(CLIENT)))
def test_no_file_needs_more_than_the_policy_allows(path: Path) -> None:
    text = path.read_text()
    assert not FORBIDDEN.search(text)
    if path.suffix == ".html":
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
    for address in re.findall(r"https?://\w[\w.-]+", text):
        assert address in {"http://www.w3.org"}, address


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    known = set(re.findall(r'<symbol id="([\w-]+)"', (CLIENT / "icons.svg").read_text()))
    used: set[str] = set()
    for path in (CLIENT / "ui").glob("*.js"):
        text = path.read_text()
        used |= set(re.findall(r'(?:icon|iconButton)\("([\w-]+)"', text))
        used |= set(re.findall(r'icon: "([\w-]+)"', text))
    assert used - known == set()


def test_every_reaction_on_offer_is_one_the_server_takes() -> None:
    allowed = (REPOSITORY / "server" / "PROTOCOL.md").read_text()
    offered = re.findall(r'\["(\S+)", "[A-Z]', (CLIENT / "ui" / "controls.js").read_text())
    assert offered
    line = next(line for line in allowed.splitlines() if "`reaction.send`: one of" in line)
    assert [reaction for reaction in offered if reaction not in line] == []


def test_protocol_and_state_know_no_page_and_the_page_knows_no_socket() -> None:
    page = re.compile(r"\b(document|window|HTMLElement)\b")
    pure = "protocol store layout quality words roles narration call own_media moderation recording requests"
    pure += " person_actions breakouts"
    pure += " accounts account_words device_id invitation_list meeting_invitations"
    for name in (f"{module}.js" for module in pure.split()):
        text = re.sub(r"/\*.*?\*/|//[^\n]*|`[^`]*`|\"[^\"]*\"", "", (CLIENT / name).read_text(), flags=re.DOTALL)
        assert not page.search(text), name
    for path in (CLIENT / "ui").glob("*.js"):
        assert not re.search(r"WebSocket|protocol\.js|RTCPeerConnection", path.read_text()), path.name
