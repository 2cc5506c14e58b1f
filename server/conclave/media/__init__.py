"""The media control plane, sans-IO: ICE, DTLS, SDP, negotiation and routing. Bytes and time in, datagrams and commands out."""
