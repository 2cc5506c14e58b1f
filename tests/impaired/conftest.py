"""Fixtures of the tests over a lossy network."""

from tests.support.fixtures import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]
