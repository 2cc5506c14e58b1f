import os
import socket

import pytest
from bench.process import find_listener, usage_of


def test_a_listener_is_found_by_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert find_listener(listener.getsockname()[1]) == os.getpid()


def test_a_port_without_listener_belongs_to_nobody() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert find_listener(bound.getsockname()[1]) is None


def test_own_usage_grows_with_work() -> None:
    before = usage_of(os.getpid())
    while usage_of(os.getpid()).cpu_s == before.cpu_s:
        sum(range(10_000))
    assert before.resident_bytes > 1024 * 1024


def test_a_process_that_is_gone_is_an_error() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(ProcessLookupError):
        usage_of(child)
