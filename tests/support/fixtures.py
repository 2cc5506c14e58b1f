"""Fixtures of the tests with real clients; each folder's conftest.py takes those it needs."""

import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.netns import EXTRA_ADDRESS, NetworkNamespace, obstacle
from tests.support.pages import Browsers
from tests.support.server import ConclaveServer, serving

_FAILED = pytest.StashKey[bool]()
_NUMBERS = itertools.count()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Iterator[None]:
    """Remember whether the test itself failed, so that fixtures can show what they know."""
    report = yield
    if call.when == "call":
        item.stash[_FAILED] = report.failed  # type: ignore[attr-defined]
    return report


def failed(request: pytest.FixtureRequest) -> bool:
    return bool(request.node.stash.get(_FAILED, False))


@pytest.fixture(scope="session")
def shared_namespace() -> Iterator[NetworkNamespace | None]:
    """One namespace for all tests of a folder; None where they cannot be made."""
    if obstacle() is not None:
        yield None
        return
    namespace = NetworkNamespace(f"conclave-{os.getpid()}-{next(_NUMBERS)}")
    try:
        namespace.add_extra_address()
        yield namespace
    finally:
        namespace.close()


@pytest.fixture(scope="module")
def network(shared_namespace: NetworkNamespace | None) -> Iterator[NetworkNamespace | None]:
    """Run the tests of a module inside the namespace; without root on the machine's own loopback."""
    with shared_namespace.entered() if shared_namespace else contextlib.nullcontext():
        yield shared_namespace


@pytest.fixture
def namespace(network: NetworkNamespace | None) -> NetworkNamespace:
    """The same for tests that cannot do without a namespace."""
    if network is None:
        pytest.skip(obstacle() or "no network namespace")
    return network


@pytest.fixture
async def server(
    network: NetworkNamespace | None, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[ConclaveServer]:
    """A fresh server; it must end cleanly. The marker `server_settings` changes its settings."""
    marker = request.node.get_closest_marker("server_settings")
    media_host = EXTRA_ADDRESS if network else ""
    async with serving(tmp_path, media_host=media_host, settings=marker.args[0] if marker else None) as running:
        yield running
        if failed(request):
            print(running.tail())


@pytest.fixture
async def browsers(network: NetworkNamespace | None, request: pytest.FixtureRequest) -> AsyncIterator[Browsers]:
    """Real browsers, closed at the end; their consoles and pictures are kept when the test fails."""
    opened = Browsers()
    try:
        yield opened
        if failed(request):
            print(await opened.diagnose(request.node.name))
    finally:
        await opened.close()
