"""Load generator for Conclave servers: real WSS signaling, ICE, DTLS-SRTP and RTP from one event loop.

It shares only the message schema with the server; SDP, STUN, DTLS and RTP are written a second time here on purpose,
so that a server that agrees with itself alone does not pass.
"""
