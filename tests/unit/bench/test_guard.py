import resource
import ssl
from pathlib import Path

import pytest
from bench.guard import RefusedTarget, is_local, raise_file_limit, resolve_target, tls_context


@pytest.mark.parametrize("url", ["https://localhost:8443", "https://127.0.0.1:8443/", "https://[::1]:8443"])
def test_this_machine_may_be_loaded(url: str) -> None:
    target = resolve_target(url, yes_remote=False)
    assert target.local
    assert target.port == 8443


@pytest.mark.parametrize("url", ["https://192.0.2.1", "https://203.0.113.9:8443/x", "https://no-such-host.invalid"])
def test_another_machine_is_refused_without_yes_remote(url: str) -> None:
    with pytest.raises(RefusedTarget, match="--yes-remote"):
        resolve_target(url, yes_remote=False)


def test_another_machine_is_accepted_with_yes_remote() -> None:
    target = resolve_target("https://192.0.2.1", yes_remote=True)
    assert (target.local, target.port, target.origin) == (False, 443, "https://192.0.2.1")


@pytest.mark.parametrize(
    "url", ["http://localhost:8443", "localhost:8443", "https://", "https://localhost/?token=x", "https://user:secret@localhost"]
)
def test_a_url_that_is_not_https_or_carries_secrets_is_refused(url: str) -> None:
    with pytest.raises(RefusedTarget):
        resolve_target(url, yes_remote=True)


def test_the_paths_of_the_protocol_follow_from_the_origin() -> None:
    target = resolve_target("https://localhost:9443/ignored", yes_remote=False)
    assert target.signaling_url == "wss://localhost:9443/api/v1/signaling"
    assert target.meetings_url == "https://localhost:9443/api/v1/meetings"


def test_the_unspecified_and_private_addresses_are_not_this_machine() -> None:
    assert not is_local("10.0.0.1")
    assert not is_local("0.0.0.0")  # noqa: S104


def test_certificates_are_verified_unless_told_otherwise(tmp_path: Path) -> None:
    assert tls_context(insecure=False, ca=None).verify_mode is ssl.CERT_REQUIRED
    assert tls_context(insecure=True, ca=None).verify_mode is ssl.CERT_NONE
    with pytest.raises(FileNotFoundError):
        tls_context(insecure=False, ca=tmp_path / "missing.pem")


def test_the_limit_of_open_files_is_raised_to_its_maximum() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert raise_file_limit() == before[1]
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
