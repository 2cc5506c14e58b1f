"""Frozen nouns of the product: identifiers, roles, media parameters, errors. No behaviour, no I/O."""
