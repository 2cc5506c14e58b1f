// Runs before any script of the page: records every peer connection, so that tests measure what the browser does and
// not what the page says. Times are performance.now() milliseconds.
(() => {
  if (window.watch || typeof RTCPeerConnection === "undefined") return;
  const POLL_MS = 20;
  const connections = [];
  const Native = window.RTCPeerConnection;

  async function stats(connection) {
    return [...(await connection.getStats()).values()];
  }

  async function waitForPicture(record) {
    while (record.connection.connectionState !== "closed" && record.firstPicture === null) {
      const decoded = (await stats(record.connection)).some((s) => s.type === "inbound-rtp" && s.framesDecoded > 0);
      if (decoded) record.firstPicture = performance.now();
      else await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  function record(connection) {
    const entry = { connection, made: performance.now(), connected: null, firstPicture: null, firstTrack: null, states: [] };
    connections.push(entry);
    connection.addEventListener("connectionstatechange", () => {
      entry.states.push([Math.round(performance.now()), connection.connectionState]);
      if (connection.connectionState === "connected" && entry.connected === null) {
        entry.connected = performance.now();
        waitForPicture(entry);
      }
    });
    connection.addEventListener("track", () => (entry.firstTrack ??= performance.now()));
  }

  window.RTCPeerConnection = class extends Native {
    constructor(...parameters) {
      super(...parameters);
      record(this);
    }
  };

  async function collect(type) {
    const found = [];
    for (const [index, entry] of connections.entries()) {
      if (entry.connection.connectionState === "closed") continue;
      const mids = new Map(entry.connection.getTransceivers().map((t) => [t.receiver.track.id, t.mid]));
      for (const s of await stats(entry.connection)) {
        if (s.type === type) found.push({ connection: index, mid: mids.get(s.trackIdentifier), ...s });
      }
    }
    return found;
  }

  window.watch = {
    // Inbound or outbound RTP streams of all open connections, as getStats names their fields.
    inbound: () => collect("inbound-rtp"),
    outbound: () => collect("outbound-rtp"),
    transports: () => collect("transport"),
    // The selected pairs: protocol of the server's candidate and round trip time.
    async pairs() {
      const found = [];
      for (const entry of connections) {
        const all = await stats(entry.connection);
        const byId = new Map(all.map((s) => [s.id, s]));
        for (const s of all) {
          if (s.type !== "candidate-pair" || s.state !== "succeeded" || !(s.nominated || s.selected)) continue;
          found.push({ protocol: byId.get(s.remoteCandidateId)?.protocol, rtt: s.currentRoundTripTime, sent: s.bytesSent });
        }
      }
      return found;
    },
    summary: () =>
      connections.map(({ connection, made, connected, firstTrack, firstPicture, states }) => ({
        made, connected, firstTrack, firstPicture, states,
        connectionState: connection.connectionState,
        iceConnectionState: connection.iceConnectionState,
        signalingState: connection.signalingState,
        mids: connection.getTransceivers().map((t) => [t.mid, t.currentDirection]),
      })),
    descriptions: () =>
      connections.map(({ connection }) => [connection.localDescription?.sdp, connection.remoteDescription?.sdp]),
  };
})();
