"""Fixtures of the soak tests."""

from tests.support.fixtures import namespace, network, pytest_runtest_makereport, server, shared_namespace

__all__ = ["namespace", "network", "pytest_runtest_makereport", "server", "shared_namespace"]
