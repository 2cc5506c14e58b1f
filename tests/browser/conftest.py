"""Fixtures of the browser tests."""

from tests.support.fixtures import browsers, namespace, network, pytest_runtest_makereport, server, shared_namespace

__all__ = ["browsers", "namespace", "network", "pytest_runtest_makereport", "server", "shared_namespace"]
