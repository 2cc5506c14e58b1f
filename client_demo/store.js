/**
 * The state of the page and how messages change it: pure functions, no DOM, no socket.
 *
 * `reduce(state, action)` returns a new state. Actions are {type, ...}; server events are wrapped as {type: "event", event}.
 */

const OPEN_SETTINGS = Object.freeze({ screen_share: "all", chat: true, unmute: true, roster: true, waiting_room: false, admit_personal: true });

export const INITIAL_STATE = Object.freeze({
  phase: "landing", // landing | preview | meeting | ended
  connection: "closed", // closed | connecting | online | reconnecting
  self: { participant_id: null, role: "participant", display_name: "" },
  meeting: { meeting_id: null, title: null, open: false, state: "active", settings: OPEN_SETTINGS }, // state: active | locked | suspended
  lobby: [], // who waits: {guest_id, display_name, reason, role, personal}
  admitted: false, // let in from the waiting room, and not seated yet
  reused: {}, // jti of a personal link -> how often somebody else was refused by it
  recording: { state: "off", recorded: [] }, // state: off | recording | paused
  consent_asked: null, // the recording for which one has to say if one agrees
  recordings: [], // ids of the meeting's recordings that one has seen
  asked: null, // the source that a host asks one to turn on
  unmute_allowed: false, // whether a host has let one unmute, where participants may not by themselves
  participants: {}, // who is in the same place as oneself, by id
  order: [],
  elsewhere: {}, // who is in another room of the meeting, by id; hosts and co-hosts alone know
  place: { breakout_id: null, moves: 0, last: null }, // last: the breakout room in which one was last
  breakouts: { rooms: [], self_choose: false, closes_in_s: null }, // rooms: {breakout_id, title, participants}
  tracks: {},
  slots: {},
  active_speakers: [],
  last_spoke: {},
  clock: 0,
  transports: { publisher: "new", subscriber: "new" },
  local: { microphone: "off", camera: "off", screen: false }, // microphone: on | muted | off ; camera: on | off
  quality: {},
  page: 0,
  pinned: null,
  panel: null, // null | people | host | rooms
  ended: null, // {code, detail}
});

/** A minimal store: `subscribe` callbacks run once per microtask, however many actions came. */
export function createStore(reducer, initial) {
  let state = initial;
  let scheduled = false;
  const listeners = new Set();
  const notify = () => {
    scheduled = false;
    for (const listener of listeners) listener(state);
  };
  return {
    get: () => state,
    dispatch(action) {
      const next = reducer(state, action);
      if (next === state) return;
      state = next;
      if (!scheduled) {
        scheduled = true;
        queueMicrotask(notify);
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The state of one's own devices: the tracks that run, and whether a screen is captured. */
export const localOf = (microphone, camera, screen) => ({
  microphone: !microphone ? "off" : microphone.enabled ? "on" : "muted",
  camera: camera ? "on" : "off",
  screen,
});

const isOn = (local, source) => (source === "screen" ? local.screen : local[source] === "on");

const byId = (list, key) => Object.fromEntries(list.map((item) => [item[key], item]));
const without = (map, key) => {
  const { [key]: _removed, ...rest } = map;
  return rest;
};
const slotMap = (slots) => Object.fromEntries(slots.filter((slot) => slot.track_id != null).map((slot) => [slot.mid, slot.track_id]));

const breakoutsOf = ({ breakouts, self_choose, closes_in_s }) => ({
  rooms: breakouts ?? [],
  self_choose: self_choose ?? false,
  closes_in_s: closes_in_s ?? null,
});

function withSnapshot(state, snapshot) {
  const breakout_id = snapshot.breakout_id ?? null;
  const here = snapshot.participants.filter((participant) => (participant.breakout_id ?? null) === breakout_id);
  const away = snapshot.participants.filter((participant) => !here.includes(participant));
  const ids = here.map((participant) => participant.participant_id);
  const known = state.order.filter((id) => ids.includes(id));
  const me = here.find((participant) => participant.participant_id === state.self.participant_id);
  return withSpeakers(
    {
      ...state,
      self: me ? { ...state.self, role: me.role } : state.self,
      participants: byId(here, "participant_id"),
      elsewhere: byId(away, "participant_id"),
      place: { breakout_id, moves: snapshot.moves ?? 0, last: breakout_id ?? state.place.last },
      breakouts: breakoutsOf(snapshot),
      order: [...known, ...ids.filter((id) => !known.includes(id))],
      tracks: byId(snapshot.tracks, "track_id"),
      slots: slotMap(snapshot.slots),
      ...recordingFields(state, snapshot.recording ?? state.recording),
      lobby: snapshot.lobby ?? [],
      meeting: { ...state.meeting, state: snapshot.state ?? "active", settings: { ...OPEN_SETTINGS, ...snapshot.settings } },
    },
    snapshot.active_speakers,
  );
}

/** The question for one's consent is settled when one is recorded, and when nothing is. */
function recordingFields(state, recording) {
  const id = recording.recording_id;
  const settled = recording.state === "off" || recording.recorded.includes(state.self.participant_id);
  return {
    recording,
    recordings: id && !state.recordings.includes(id) ? [...state.recordings, id] : state.recordings,
    consent_asked: settled ? null : state.consent_asked,
  };
}

function withSpeakers(state, ids) {
  const clock = state.clock + 1;
  const last_spoke = { ...state.last_spoke };
  for (const id of ids) last_spoke[id] = clock;
  return { ...state, clock, active_speakers: ids, last_spoke };
}

function withParticipant(state, participant) {
  const id = participant.participant_id;
  const here = (participant.breakout_id ?? null) === state.place.breakout_id;
  if (!here && id !== state.self.participant_id) {
    const left = state.participants[id] ? withoutParticipant(state, id) : state;
    return { ...left, elsewhere: { ...left.elsewhere, [id]: participant } };
  }
  const self = id === state.self.participant_id ? { ...state.self, role: participant.role } : state.self;
  return {
    ...state,
    self,
    elsewhere: without(state.elsewhere, id),
    participants: { ...state.participants, [id]: participant },
    order: state.order.includes(id) ? state.order : [...state.order, id],
  };
}

function withoutParticipant(state, id) {
  return {
    ...state,
    participants: without(state.participants, id),
    elsewhere: without(state.elsewhere, id),
    order: state.order.filter((other) => other !== id),
    tracks: Object.fromEntries(Object.entries(state.tracks).filter(([, track]) => track.participant_id !== id)),
    active_speakers: state.active_speakers.filter((other) => other !== id),
    last_spoke: without(state.last_spoke, id),
    quality: without(state.quality, id),
    pinned: state.pinned === id ? null : state.pinned,
  };
}

/** Whether a track says that a host muted one's microphone, which also takes back the leave to unmute. */
const silencedByHost = (state, { participant_id, source, muted }) =>
  muted && participant_id === state.self.participant_id && source === "microphone" && state.local.microphone === "on" && !isSuspended(state);

const EVENT_REDUCERS = {
  "participant.joined": (state, { participant }) => withParticipant(state, participant),
  "participant.changed": (state, { participant }) => withParticipant(state, participant),
  "participants.moved": (state, { participants }) => participants.reduce(withParticipant, state),
  "participant.left": (state, { participant_id }) => withoutParticipant(state, participant_id),
  "track.published": (state, { track }) => ({ ...state, tracks: { ...state.tracks, [track.track_id]: track } }),
  "track.changed": (state, { track }) => ({
    ...state,
    tracks: { ...state.tracks, [track.track_id]: track },
    unmute_allowed: state.unmute_allowed && !silencedByHost(state, track),
  }),
  "track.unpublished": (state, { track_id }) => ({ ...state, tracks: without(state.tracks, track_id) }),
  "speakers.active": (state, { participant_ids }) => withSpeakers(state, participant_ids),
  "subscriber.slots": (state, { slots }) => ({ ...state, slots: slotMap(slots) }),
  "lobby.changed": (state, { guests }) => ({ ...state, lobby: guests }),
  "lobby.admitted": (state) => ({ ...state, admitted: true }),
  "invitation.reused": (state, { jti }) => ({ ...state, reused: { ...state.reused, [jti]: (state.reused[jti] ?? 0) + 1 } }),
  "recording.changed": (state, { recording }) => ({ ...state, ...recordingFields(state, recording) }),
  "recording.consent_requested": (state, { recording_id }) => ({ ...state, consent_asked: recording_id }),
  "unmute.requested": (state, { source }) => ({ ...state, asked: source, unmute_allowed: state.unmute_allowed || source === "microphone" }),
  "meeting.changed": (state, { title, state: phase, settings }) => ({ ...state, meeting: { ...state.meeting, title, state: phase, settings: { ...OPEN_SETTINGS, ...settings } } }),
  "breakouts.changed": (state, event) => ({ ...state, breakouts: breakoutsOf(event) }),
  "breakout.entered": (state, { snapshot }) => ({ ...withSnapshot(state, snapshot), page: 0, pinned: null }),
  "meeting.opened": (state, { title }) => ({ ...state, meeting: { ...state.meeting, title, open: true } }),
  "meeting.ended": (state, { reason }) => ({ ...state, phase: "ended", ended: { code: "meeting_ended", detail: reason } }),
};

const REDUCERS = {
  event: (state, { event }) => EVENT_REDUCERS[event.type]?.(state, event) ?? state,
  snapshot: (state, { snapshot, title }) => {
    const seen = withSnapshot(state, snapshot);
    return title ? { ...seen, meeting: { ...seen.meeting, title } } : seen;
  },
  door: (state, { open }) => ({ ...state, admitted: open }),
  connection: (state, { connection }) => ({ ...state, connection }),
  welcome: (state, { welcome }) => {
    const { meeting_id } = welcome;
    const known = meeting_id === state.meeting.meeting_id ? state.meeting.title : null;
    return {
      ...state,
      self: { ...state.self, role: welcome.role },
      admitted: false,
      consent_asked: null,
      asked: null,
      unmute_allowed: false,
      meeting: { ...INITIAL_STATE.meeting, meeting_id, title: welcome.title ?? known, open: welcome.meeting_open },
    };
  },
  joined: (state, { joined, display_name }) => ({
    ...withSnapshot(
      {
        ...state,
        self: { participant_id: joined.participant_id, role: joined.role, display_name },
        meeting: { ...state.meeting, title: joined.title, open: true },
      },
      joined.snapshot,
    ),
    phase: "meeting",
    admitted: false,
    ended: null,
  }),
  transport: (state, { transport, value }) => ({ ...state, transports: { ...state.transports, [transport]: value } }),
  local: (state, { local }) => ({ ...state, local: { ...state.local, ...local }, asked: isOn(local, state.asked) ? null : state.asked }),
  asked: (state) => ({ ...state, asked: null }),
  consent_answered: (state) => ({ ...state, consent_asked: null }),
  quality: (state, { quality }) => ({ ...state, quality }),
  page: (state, { page }) => ({ ...state, page }),
  pin: (state, { participant_id }) => ({ ...state, pinned: state.pinned === participant_id ? null : participant_id }),
  panel: (state, { panel }) => ({ ...state, panel: state.panel === panel ? null : panel }),
  ended: (state, { code, detail }) => ({ ...state, phase: "ended", ended: { code, detail } }),
  reset: (_state, { phase }) => ({ ...INITIAL_STATE, phase }),
};

export function reduce(state, action) {
  return REDUCERS[action.type]?.(state, action) ?? state;
}

/** The track of a participant from a source ("microphone", "camera", "screen", "screen_audio"), or undefined. */
export function trackOf(state, participantId, source) {
  return Object.values(state.tracks).find((track) => track.participant_id === participantId && track.source === source);
}

export const isSuspended = (state) => state.meeting.state === "suspended";

/** Whether a host keeps a participant's source off. */
export const isHeld = (state, participantId, source) => state.participants[participantId]?.held?.includes(source) ?? false;

/** Whether one is muted where only a host's leave lets one unmute, and has none. */
export const needsLeave = (state) => !state.meeting.settings.unmute && !state.unmute_allowed && state.local.microphone !== "on";

/**
 * Whether a participant is in the recording that runs; null while none does, and in a breakout room, of which there is none. Who comes
 * from another room brings the mark along.
 */
export const isRecorded = ({ recording, place, participants }, participantId) =>
  recording.state === "off" || place.breakout_id !== null ? null : (participants[participantId]?.recorded ?? false);

/** Screen shares in the meeting, other people's first. */
export function screenTracks(state) {
  const mine = (track) => Number(track.participant_id === state.self.participant_id);
  return Object.values(state.tracks)
    .filter((track) => track.source === "screen" && !track.muted)
    .sort((a, b) => mine(a) - mine(b));
}

/** Participants whose seat is occupied, oneself first, in order of arrival. */
export function roster(state) {
  const me = state.self.participant_id;
  return [...state.order].sort((a, b) => Number(b === me) - Number(a === me)).map((id) => state.participants[id]);
}

/**
 * Which participants' tiles to show on which page. Up to `capacity` everybody fits and keeps their place; beyond, those
 * who spoke last come first. Viewers without a camera come last, they only listen.
 */
export function pageOf(state, capacity) {
  const people = roster(state);
  const pages = Math.max(1, Math.ceil(people.length / capacity));
  if (pages > 1) {
    const me = state.self.participant_id;
    const weight = (person) => (person.participant_id === me ? Infinity : (state.last_spoke[person.participant_id] ?? 0));
    const idle = (person) => Number(person.role === "viewer");
    people.sort((a, b) => idle(a) - idle(b) || weight(b) - weight(a) || 0);
  }
  const page = Math.min(state.page, pages - 1);
  return { page, pages, shown: people.slice(page * capacity, (page + 1) * capacity) };
}
