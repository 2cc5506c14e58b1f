import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.live import settings_in

from conclave.app.run import raise_file_limit

ROOT = Path(__file__).parents[3]


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[0], 1_024), before[1]))
        raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_allocator_of_glibc_takes_its_thresholds() -> None:
    code = "import sys; from conclave.app.run import tune_allocator; sys.exit(not tune_allocator())"
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)
    assert done.returncode == 0


def test_sigterm_ends_the_process_with_exit_code_0(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONCLAVE_")} | {
        "CONCLAVE_LISTEN__PORT": "0",
        "CONCLAVE_LISTEN__TLS_CERTIFICATE": settings.listen.tls_certificate,
        "CONCLAVE_LISTEN__TLS_KEY": settings.listen.tls_key,
        "CONCLAVE_MEDIA__FIRST_PORT": "0",
        "CONCLAVE_STATE__DIRECTORY": settings.state.directory,
        "CONCLAVE_CLIENT__DIRECTORY": str(ROOT / "client_demo"),
    }
    command = [sys.executable, "-m", "conclave", "serve", "--dev"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Conclave listens on port")
        assert "Open a first meeting as host: https://localhost:" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
