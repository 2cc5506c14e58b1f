import importlib.util
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store

NOW = datetime.now(UTC)


def load_maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conclave_certs_make", Path(__file__).parents[3] / "certs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = load_maker()


def leaf(directory: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates((directory / "server.pem").read_bytes())[0]


def test_keys_are_p256_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    assert maker.make(tmp_path, ()) is True
    for name in ("authority.key", "server.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    public = leaf(tmp_path).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"


@pytest.mark.parametrize("name", ["localhost", "meet.lan"])
def test_the_chain_verifies_for_every_name(tmp_path: Path, name: str) -> None:
    maker.make(tmp_path, ("meet.lan",))
    authority = x509.load_pem_x509_certificate((tmp_path / "authority.pem").read_bytes())
    verifier = PolicyBuilder().store(Store([authority])).time(NOW + timedelta(days=1)).build_server_verifier(x509.DNSName(name))
    assert len(verifier.verify(leaf(tmp_path), [])) == 2


def test_the_authority_is_limited_to_the_names_it_was_made_for(tmp_path: Path) -> None:
    maker.make(tmp_path, ("meet.lan",))
    authority = x509.load_pem_x509_certificate((tmp_path / "authority.pem").read_bytes())
    constraint = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraint.critical
    assert x509.DNSName("meet.lan") in (constraint.value.permitted_subtrees or [])


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    maker.make(tmp_path, ())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert maker.make(tmp_path, ()) is False
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_near_its_end_the_certificate_is_made_anew_under_the_same_authority(tmp_path: Path) -> None:
    maker.make(tmp_path, (), 90)
    authority, serial = (tmp_path / "authority.pem").read_bytes(), leaf(tmp_path).serial_number
    assert maker.make(tmp_path, (), 90, NOW + timedelta(days=80)) is True
    assert leaf(tmp_path).serial_number != serial
    assert (tmp_path / "authority.pem").read_bytes() == authority


def test_a_new_name_makes_a_new_certificate(tmp_path: Path) -> None:
    maker.make(tmp_path, ())
    assert maker.make(tmp_path, ("192.0.2.10",)) is True
    names = leaf(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "192.0.2.10" in [str(address) for address in names.get_values_for_type(x509.IPAddress)]


@pytest.mark.parametrize("damage", ["server.key", "server.pem", "authority.key", "authority.pem"])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: str) -> None:
    maker.make(tmp_path, ())
    (tmp_path / damage).write_text("nonsense")
    assert maker.make(tmp_path, ()) is True
    assert maker.make(tmp_path, ()) is False


@pytest.mark.parametrize("name", ["", "a b", "evil/../x", "*.example", "höst"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is neither"):
        maker.make(tmp_path, (name,))
