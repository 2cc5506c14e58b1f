"""The client's half of WebRTC, as much of it as a load generator needs."""
