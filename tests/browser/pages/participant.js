// The smallest client that speaks the whole media part of the protocol, for tests that are about the server and not about
// the product's web client. window.participant.join({token, name, create, publish, subscribe}) and window.conclave.state().
const state = { phase: "new", self: null, participants: {}, tracks: {}, slots: {}, transports: {} };
let socket = null;
let nextId = 1;
const pending = new Map();
let publisher = null;
let subscriber = null;
let offers = Promise.resolve();

function request(type, fields = {}) {
  const id = nextId++;
  socket.send(JSON.stringify({ type, id, ...fields }));
  return new Promise((resolve, reject) => pending.set(id, { resolve, reject }));
}

const keyed = (list, key) => Object.fromEntries(list.map((item) => [item[key], item]));
const slotMap = (slots) => Object.fromEntries(slots.filter((slot) => slot.track_id).map((slot) => [slot.mid, slot.track_id]));

const EVENTS = {
  "participant.joined": ({ participant }) => (state.participants[participant.participant_id] = participant),
  "participant.changed": ({ participant }) => (state.participants[participant.participant_id] = participant),
  "participant.left": ({ participant_id }) => delete state.participants[participant_id],
  "track.published": ({ track }) => (state.tracks[track.track_id] = track),
  "track.changed": ({ track }) => (state.tracks[track.track_id] = track),
  "track.unpublished": ({ track_id }) => delete state.tracks[track_id],
  "subscriber.slots": ({ slots }) => (state.slots = slotMap(slots)),
  "transport.state": (event) => (state.transports[event.transport] = event.state),
  "subscriber.offer": (event) => (offers = offers.then(() => answer(event)).catch((error) => console.error(`answer: ${error}`))),
};

function receive(message) {
  if (message.type === "response" || message.type === "error") {
    const waiting = pending.get(message.id);
    pending.delete(message.id);
    if (message.type === "response") waiting?.resolve(message.result);
    else waiting ? waiting.reject(new Error(`${message.code}: ${message.detail}`)) : console.error(JSON.stringify(message));
  } else {
    EVENTS[message.type]?.(message);
  }
}

function show(track) {
  const element = document.createElement(track.kind);
  element.autoplay = true;
  element.playsInline = true;
  element.srcObject = new MediaStream([track]);
  if (track.kind === "video") element.style.width = "240px";
  document.body.append(element);
}

async function answer({ revision, sdp }) {
  if (subscriber === null) {
    subscriber = new RTCPeerConnection();
    subscriber.ontrack = (event) => show(event.track);
  }
  await subscriber.setRemoteDescription({ type: "offer", sdp });
  await subscriber.setLocalDescription(await subscriber.createAnswer());
  await request("subscriber.answer", { revision, sdp: subscriber.localDescription.sdp });
}

async function send(tracks, declarations) {
  publisher ??= new RTCPeerConnection();
  const transceivers = tracks.map((track) => publisher.addTransceiver(track, { direction: "sendonly" }));
  await publisher.setLocalDescription(await publisher.createOffer());
  const declared = transceivers.map((transceiver, index) => request(declarations[index], { mid: transceiver.mid }));
  const offered = request("publisher.offer", { sdp: publisher.localDescription.sdp });
  await Promise.all(declared);
  await publisher.setRemoteDescription({ type: "answer", sdp: (await offered).sdp });
}

async function open() {
  socket = new WebSocket(`wss://${location.host}/api/v1/signaling`, "conclave.v1.json");
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = (event) => (state.phase = `closed ${event.code}`);
  await new Promise((resolve, reject) => ((socket.onopen = resolve), (socket.onerror = () => reject(new Error("no socket")))));
}

window.participant = {
  async join({ token, name, create = null, publish = true, subscribe = true, video = { width: 640, height: 360, frameRate: 20 } }) {
    await open();
    const welcome = await request("hello", { protocol: 1, token, client: "test page" });
    setInterval(() => request("ping"), welcome.heartbeat_ms);
    if (create !== null && !welcome.meeting_open) await request("meeting.create", { title: create });
    const joined = await request("join", { display_name: name, auto_subscribe: subscribe });
    state.self = joined.participant_id;
    state.participants = { ...keyed(joined.snapshot.participants, "participant_id"), ...state.participants };
    state.tracks = { ...keyed(joined.snapshot.tracks, "track_id"), ...state.tracks };
    state.phase = "meeting";
    if (publish) {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video });
      const [microphone] = stream.getAudioTracks();
      const [camera] = stream.getVideoTracks();
      await send([microphone, camera], ["audio.publish", "video.publish"]);
    }
    return joined.participant_id;
  },
  async share() {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: true });
    await send(stream.getVideoTracks(), ["screen.publish"]);
  },
  request,
};

window.conclave = {
  state: () => state,
  async leave() {
    await request("leave");
    publisher?.close();
    subscriber?.close();
    socket.close();
  },
};
