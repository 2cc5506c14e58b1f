import asyncio
import stat
from pathlib import Path

import pytest

from conclave.app import token_keys
from conclave.app.state import StateError
from conclave.app.token_keys import FORMER_DIRECTORY, KEY_FILE, LONGEST_TOKEN_S, KeyWatch, load_pepper, load_ring
from conclave.config.settings import AccountSettings
from conclave.identity.token_keys import Algorithm, KeyRing, TokenKey
from conclave.model.errors import Unavailable

NOW_S = 1_800_000_000.0
EDDSA, ES256 = AccountSettings(), AccountSettings(signing_algorithm="ES256")
HS256 = AccountSettings(signing_algorithm="HS256", token_secret="s" * 32)


def rotate(directory: Path, settings: AccountSettings, now_s: float) -> TokenKey:
    return token_keys.rotate(directory, settings, now_s, lambda _: None)


@pytest.mark.parametrize("settings", [EDDSA, ES256])
def test_the_key_is_made_once_with_mode_0600_and_kept(tmp_path: Path, settings: AccountSettings) -> None:
    first = load_ring(tmp_path, settings, NOW_S)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert load_ring(tmp_path, settings, NOW_S).current.kid == first.current.kid


def test_a_secret_makes_no_file(tmp_path: Path) -> None:
    assert load_ring(tmp_path, HS256, NOW_S).current.algorithm is Algorithm.HS256
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StateError, match="no key to rotate"):
        rotate(tmp_path, HS256, NOW_S)


def test_without_a_secret_nothing_starts(tmp_path: Path) -> None:
    for secret in ("", "short"):
        with pytest.raises(StateError, match="openssl rand"):
            load_ring(tmp_path, AccountSettings(signing_algorithm="HS256", token_secret=secret), NOW_S)


def test_a_rotation_keeps_the_public_half_of_the_old_key_alone(tmp_path: Path) -> None:
    old = load_ring(tmp_path, EDDSA, NOW_S).current
    new = rotate(tmp_path, EDDSA, NOW_S)
    ring = load_ring(tmp_path, EDDSA, NOW_S + 1)
    assert ring.current.kid == new.kid != old.kid
    former = ring.find(old.kid)
    assert former is not None
    assert former.signing is None
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert path.name == KEY_FILE or b"PRIVATE" not in path.read_bytes()


def test_a_former_key_goes_when_its_last_token_has_expired(tmp_path: Path) -> None:
    old = load_ring(tmp_path, EDDSA, NOW_S).current
    rotate(tmp_path, EDDSA, NOW_S)
    late = NOW_S + LONGEST_TOKEN_S + 1
    assert load_ring(tmp_path, EDDSA, late).find(old.kid) is None
    rotate(tmp_path, EDDSA, late)
    assert len(list((tmp_path / FORMER_DIRECTORY).iterdir())) == 1


def test_another_algorithm_needs_a_rotation_and_old_tokens_stay_good(tmp_path: Path) -> None:
    old = load_ring(tmp_path, EDDSA, NOW_S).current
    with pytest.raises(StateError, match="conclave keys rotate"):
        load_ring(tmp_path, ES256, NOW_S)
    rotate(tmp_path, ES256, NOW_S)
    ring = load_ring(tmp_path, ES256, NOW_S)
    assert ring.current.algorithm is Algorithm.ES256
    assert ring.find(old.kid) is not None


def test_a_rotation_that_was_interrupted_can_be_repeated(tmp_path: Path) -> None:
    load_ring(tmp_path, EDDSA, NOW_S)
    (tmp_path / "tokens.key.next").write_bytes(b"half")
    rotate(tmp_path, EDDSA, NOW_S)
    assert not (tmp_path / "tokens.key.next").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_open_to_others_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    load_ring(tmp_path, EDDSA, NOW_S)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(StateError, match="chmod 600"):
        load_ring(tmp_path, EDDSA, NOW_S)


def test_damaged_keys_are_refused_without_being_quoted(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).touch(mode=0o600)
    (tmp_path / KEY_FILE).write_text("secret words")
    with pytest.raises(StateError) as caught:
        load_ring(tmp_path, EDDSA, NOW_S)
    assert "secret words" not in str(caught.value)


def test_the_pepper_is_random_and_stays_the_same(tmp_path: Path) -> None:
    pepper = load_pepper(tmp_path)
    assert len(pepper) == 32
    assert load_pepper(tmp_path) == pepper
    (tmp_path / "accounts.key").write_bytes(b"short")
    with pytest.raises(StateError, match="damaged"):
        load_pepper(tmp_path)


def watching(directory: Path, settings: AccountSettings = EDDSA) -> tuple[KeyRing, KeyWatch, list[str]]:
    heard: list[str] = []
    ring = load_ring(directory, settings, NOW_S)
    watch = KeyWatch(directory, settings, ring, lambda: NOW_S, lambda event, _: heard.append(event))
    return ring, watch, heard


def test_a_rotation_is_noticed_and_the_old_key_verifies_on(tmp_path: Path) -> None:
    ring, watch, heard = watching(tmp_path)
    old = ring.current.kid
    assert not watch.check()
    new = rotate(tmp_path, EDDSA, NOW_S)
    assert watch.check()
    assert not watch.check()
    assert ring.current.kid == new.kid
    former = ring.find(old)
    assert former is not None
    assert former.signing is None
    assert [key["kid"] for key in ring.jwks()["keys"]] == [new.kid, old]
    assert heard == ["token_keys_reloaded"]


def test_a_key_file_that_is_broken_or_gone_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    ring, watch, heard = watching(tmp_path)
    before = ring.current.kid
    (tmp_path / KEY_FILE).write_text("nonsense")
    assert not watch.check()
    (tmp_path / KEY_FILE).unlink()
    assert not watch.check()
    assert not watch.check()
    assert heard == ["token_keys_refused", "token_keys_refused"]
    assert ring.current.kid == before
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_not_watched(tmp_path: Path) -> None:
    _, watch, heard = watching(tmp_path, HS256)
    assert not watch.check()
    assert heard == []


async def test_the_file_is_looked_at_by_itself_until_the_watch_is_stopped(tmp_path: Path) -> None:
    reloaded = asyncio.Event()
    ring = load_ring(tmp_path, EDDSA, NOW_S)
    watch = KeyWatch(tmp_path, EDDSA, ring, lambda: NOW_S, lambda *_: reloaded.set(), poll_s=0.001)
    watch.start()
    new = rotate(tmp_path, EDDSA, NOW_S)
    await asyncio.wait_for(reloaded.wait(), 20)
    assert ring.current.kid == new.kid
    watch.stop()
    watch.stop()


def test_a_rotation_that_cannot_be_recorded_changes_nothing(tmp_path: Path) -> None:
    kid = load_ring(tmp_path, EDDSA, NOW_S).current.kid

    def refuse(key: TokenKey) -> None:
        assert key.kid != kid
        raise Unavailable("audit", "the disk is full")

    with pytest.raises(Unavailable):
        token_keys.rotate(tmp_path, EDDSA, NOW_S, refuse)
    assert load_ring(tmp_path, EDDSA, NOW_S).current.kid == kid
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
