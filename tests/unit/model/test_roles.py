from pathlib import Path

import conclave
from conclave.model.roles import Permission, Role


def test_the_roles_are_the_four_of_the_specification() -> None:
    assert [str(role) for role in Role] == ["host", "co-host", "participant", "viewer"]


def test_a_permission_is_written_as_resource_dot_action() -> None:
    assert all(str(permission).count(".") == 1 for permission in Permission)


def test_no_two_permissions_share_a_name() -> None:
    assert len({str(permission) for permission in Permission}) == len(Permission)


def test_every_permission_is_used_by_the_package_beyond_its_declaration() -> None:
    package = Path(conclave.__file__).parent
    text = "".join(path.read_text() for path in package.rglob("*.py") if path.name != "roles.py")
    unused = [permission for permission in Permission if f"Permission.{permission.name}" not in text]
    assert unused == []
