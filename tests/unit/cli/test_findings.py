from conclave.cli.findings import Level, error, ok, warning


def test_each_level_has_its_maker() -> None:
    assert ok("a", "b").level is Level.OK
    assert warning("a", "b").level is Level.WARNING
    assert error("a", "b").level is Level.ERROR
