import importlib.util
import ssl
from pathlib import Path
from types import ModuleType

import pytest

from conclave.edge.tls import CertificateError, CertificateWatch, make_context

ROOT = Path(__file__).parents[3]


def load_maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conclave_certs_make", ROOT / "certs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = load_maker()


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    maker.make(tmp_path / "certs", ())
    return tmp_path / "certs" / "server.pem", tmp_path / "certs" / "server.key"


def handshake(context: ssl.SSLContext, authority: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> tuple[str, str]:
    client = ssl.create_default_context(cafile=str(authority))
    client.maximum_version = version
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    for _ in range(10):
        for side in (theirs, ours):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    certificate = theirs.getpeercert()
    assert certificate is not None
    return str(theirs.version()), str(certificate["serialNumber"])


def test_tls_1_3_is_spoken_with_a_trusted_chain(pair: tuple[Path, Path]) -> None:
    version, _ = handshake(make_context(*pair), pair[0].with_name("authority.pem"))
    assert version == "TLSv1.3"


def test_tls_1_2_is_refused_by_the_server(pair: tuple[Path, Path]) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(make_context(*pair), pair[0].with_name("authority.pem"), ssl.TLSVersion.TLSv1_2)


def test_a_new_certificate_is_used_without_a_new_context(pair: tuple[Path, Path], tmp_path: Path) -> None:
    heard: list[str] = []
    context = make_context(*pair)
    watch = CertificateWatch(context, *pair, lambda event, _: heard.append(event))
    authority = pair[0].with_name("authority.pem")
    _, before = handshake(context, authority)
    assert watch.check() is False
    pair[0].unlink()
    maker.make(tmp_path / "certs", ())
    assert watch.check() is True
    _, after = handshake(context, authority)
    assert before != after
    assert heard == ["certificate_reloaded"]


def test_a_broken_certificate_is_reported_and_the_old_one_stays(pair: tuple[Path, Path]) -> None:
    heard: list[str] = []
    context = make_context(*pair)
    watch = CertificateWatch(context, *pair, lambda event, _: heard.append(event))
    pair[0].write_text("nonsense")
    assert watch.check() is False
    assert heard == ["certificate_refused"]
    assert handshake(context, pair[0].with_name("authority.pem"))[0] == "TLSv1.3"


def test_a_missing_file_and_a_foreign_key_are_explained(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"absent\.pem does not exist"):
        make_context(tmp_path / "absent.pem", pair[1])
    maker.make(tmp_path / "other", ())
    with pytest.raises(CertificateError, match="are not a PEM certificate and its key"):
        make_context(pair[0], tmp_path / "other" / "server.key")


async def test_the_watch_starts_and_stops_without_leaving_a_timer(pair: tuple[Path, Path]) -> None:
    watch = CertificateWatch(make_context(*pair), *pair, lambda *_: None, poll_s=0.001)
    watch.start()
    watch.stop()
    watch.stop()
