import os
from pathlib import Path

import pytest

from conclave.edge.problem import Problem
from conclave.edge.static import StaticFiles


@pytest.fixture
def files(tmp_path: Path) -> StaticFiles:
    root = tmp_path / "client"
    (root / "parts").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html>")
    (root / "parts" / "app.js").write_text("export {}")
    (root / ".hidden.js").write_text("secret")
    (root / "notes.md").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    os.symlink(tmp_path / "outside.js", root / "link.js")
    return StaticFiles(root)


def test_the_root_is_the_index_page(files: StaticFiles) -> None:
    response = files.respond("", None)
    assert response.status == 200
    assert response.content_type == "text/html"
    assert response.charset == "utf-8"


def test_a_module_has_a_type_that_browsers_run(files: StaticFiles) -> None:
    assert files.respond("parts/app.js", None).content_type == "text/javascript"


@pytest.mark.parametrize(
    "path",
    ["../outside.js", "parts/../../outside.js", "/etc/passwd", ".hidden.js", "notes.md", "link.js", "parts", "absent.js",
     "parts//app.js", "a\0.js", "..\\outside.js", "node_modules/x.js", "x" * 5_000 + ".js"],
)  # fmt: skip
def test_nothing_hidden_outside_or_unlisted_is_served(files: StaticFiles, path: str) -> None:
    with pytest.raises(Problem) as caught:
        files.respond(path, None)
    assert caught.value.status == 404


def test_a_known_etag_is_answered_not_modified(files: StaticFiles) -> None:
    etag = files.respond("", None).headers["ETag"]
    assert files.respond("", f'W/{etag}, "other"').status == 304
    assert files.respond("", '"other"').status == 200


def test_a_changed_file_has_a_new_etag(files: StaticFiles, tmp_path: Path) -> None:
    before = files.respond("", None).headers["ETag"]
    (tmp_path / "client" / "index.html").write_text("<!doctype html><title>x</title>")
    assert files.respond("", None).headers["ETag"] != before


def test_head_carries_the_length_and_no_body(files: StaticFiles) -> None:
    response = files.respond("", None, head=True)
    assert response.body is None
    assert response.headers["Content-Length"] == "15"
