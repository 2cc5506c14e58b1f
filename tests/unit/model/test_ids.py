from conclave.model.ids import ID_BYTES, new_id


def test_an_identifier_is_sixteen_url_safe_characters() -> None:
    identifier = new_id(lambda size: b"\xff" * size)
    assert identifier == "_" * 16
    assert len(new_id(bytes)) == 16


def test_an_identifier_draws_all_its_bytes_from_the_given_entropy() -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return bytes(size)

    new_id(entropy)
    assert asked == [ID_BYTES]
