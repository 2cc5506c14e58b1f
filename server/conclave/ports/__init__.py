"""Doors to the outside as typing.Protocol; the rim implements them."""
