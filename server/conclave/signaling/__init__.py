"""The signaling protocol: message schema, codecs and the gate. Sans-IO: bytes and time in, decisions out."""
