from tests.support.live_fixtures import live, pytest_asyncio_loop_factories, start

__all__ = ["live", "pytest_asyncio_loop_factories", "start"]
