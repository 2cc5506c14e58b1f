"""The rim towards the network: HTTPS, WSS, WHIP and WHEP. It frames, limits and translates; it decides nothing."""
