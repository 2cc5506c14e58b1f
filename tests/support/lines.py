"""A child process that takes one JSON command a line and answers each with one JSON line."""

import asyncio
import contextlib
import json
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Self

Answer = dict[str, Any]


class LineProcess:
    """Commands go out one at a time; an answer with `error` is raised as RuntimeError, with the tail of what it logged."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.log: deque[str] = deque(maxlen=200)
        self._process = process
        self._one_at_a_time = asyncio.Lock()
        self._reader = asyncio.create_task(self._read_log())

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        ready_within_s: float = 60,
    ) -> Self:
        """Start the process and wait for its first line, which says that it is ready."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=cwd,
            env=env,
            limit=8 * 1024 * 1024,
        )
        started = cls(name, process)
        try:
            await started._answer(ready_within_s)
        except BaseException:
            await started.close()
            raise
        return started

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.log.append(line.decode(errors="replace").rstrip())

    async def _answer(self, within_s: float) -> Answer:
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), within_s)
        except TimeoutError:
            raise TimeoutError(f"{self.name} did not answer within {within_s} s\n{self.tail()}") from None
        if not line:
            raise RuntimeError(f"{self.name} ended\n{self.tail()}")
        answer: Answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}\n{self.tail()}")
        return answer

    def tail(self) -> str:
        """Return the last lines that the process logged."""
        return "\n".join(f"  {self.name}| {line}" for line in list(self.log)[-40:])

    async def ask(self, command: Mapping[str, Any], within_s: float = 30) -> Answer:
        """Send a command and return its answer."""
        assert self._process.stdin is not None
        async with self._one_at_a_time:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            await self._process.stdin.drain()
            return await self._answer(within_s)

    async def close(self, within_s: float = 10) -> int:
        """End the input, wait for the process to go, kill it when it does not; return its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), within_s)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        assert self._process.returncode is not None
        return self._process.returncode


def python_command(script: str, *arguments: str) -> list[str]:
    """Return the command that runs `script` with the interpreter of the tests."""
    return [sys.executable, "-u", script, *arguments]
