from conclave.ports.revocations import NoRevocationStore


def test_without_a_store_nothing_is_kept() -> None:
    store = NoRevocationStore()
    store.keep("j", 1.0)
    assert list(store.kept()) == []
