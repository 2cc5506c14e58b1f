import assert from "node:assert/strict";
import { test } from "node:test";

import { INITIAL_STATE, createStore, isHeld, isRecorded, isSuspended, needsLeave, pageOf, reduce, roster, screenTracks, trackOf } from "../../client_demo/store.js";

const person = (id, fields = {}) => ({
  participant_id: id, display_name: id.toUpperCase(), role: "participant", hand_raised: false, connected: true, ...fields,
});
const track = (id, owner, source, fields = {}) => ({
  track_id: id, participant_id: owner, source, kind: source.startsWith("screen") || source === "camera" ? "video" : "audio", muted: false, ...fields,
});

function joined(people = [person("me"), person("ada")], rest = {}) {
  const snapshot = { participants: people, tracks: [], slots: [], active_speakers: [], ...rest };
  return reduce(INITIAL_STATE, {
    type: "joined", display_name: "ME", joined: { participant_id: "me", role: "participant", title: "Weekly", snapshot },
  });
}

const after = (state, ...events) => events.reduce((now, event) => reduce(now, { type: "event", event }), state);

test("joining takes over the snapshot", () => {
  const state = joined(undefined, {
    tracks: [track("t1", "ada", "camera")],
    slots: [{ mid: "0", track_id: "t1" }, { mid: "1", track_id: null }],
    active_speakers: ["ada"],
  });
  assert.equal(state.phase, "meeting");
  assert.deepEqual(state.order, ["me", "ada"]);
  assert.deepEqual(state.slots, { 0: "t1" });
  assert.deepEqual(state.active_speakers, ["ada"]);
});

test("unknown events and actions change nothing", () => {
  const state = joined();
  assert.equal(after(state, { type: "something.new", x: 1 }), state);
  assert.equal(reduce(state, { type: "nonsense" }), state);
});

test("a reducer never changes the state it was given", () => {
  const state = joined();
  const copy = structuredClone(state);
  after(
    state,
    { type: "participant.joined", participant: person("bob") },
    { type: "track.published", track: track("t1", "ada", "camera") },
    { type: "speakers.active", participant_ids: ["ada"] },
    { type: "participant.left", participant_id: "ada", reason: "left" },
  );
  assert.deepEqual(state, copy);
});

test("who leaves takes their tracks, their speech and their pin along", () => {
  let state = joined(undefined, { tracks: [track("t1", "ada", "camera"), track("t2", "me", "camera")], active_speakers: ["ada"] });
  state = reduce(state, { type: "pin", participant_id: "ada" });
  state = after(state, { type: "participant.left", participant_id: "ada", reason: "left" });
  assert.deepEqual(Object.keys(state.tracks), ["t2"]);
  assert.deepEqual(state.active_speakers, []);
  assert.equal(state.pinned, null);
  assert.deepEqual(state.order, ["me"]);
});

test("a changed role of oneself is one's role", () => {
  const state = after(joined(), { type: "participant.changed", participant: person("me", { role: "host" }) });
  assert.equal(state.self.role, "host");
});

test("a new snapshot keeps the places of those who stayed", () => {
  let state = joined([person("me"), person("ada"), person("bob")]);
  const snapshot = { participants: [person("cat"), person("bob"), person("me")], tracks: [], slots: [], active_speakers: [] };
  state = reduce(state, { type: "snapshot", snapshot });
  assert.deepEqual(state.order, ["me", "bob", "cat"]);
});

test("slots are replaced as a whole", () => {
  let state = after(joined(), { type: "subscriber.slots", slots: [{ mid: "0", track_id: "a" }, { mid: "1", track_id: "b" }] });
  state = after(state, { type: "subscriber.slots", slots: [{ mid: "0", track_id: "b" }, { mid: "1", track_id: null }] });
  assert.deepEqual(state.slots, { 0: "b" });
});

test("the meeting opens and ends by events", () => {
  let state = reduce(INITIAL_STATE, { type: "reset", phase: "preview" });
  state = after(state, { type: "meeting.opened", title: "Weekly" });
  assert.deepEqual([state.meeting.open, state.meeting.title], [true, "Weekly"]);
  state = after(state, { type: "meeting.ended", reason: "host" });
  assert.deepEqual([state.phase, state.ended.code], ["ended", "meeting_ended"]);
});

test("tracks are found by owner and source", () => {
  const state = joined(undefined, { tracks: [track("t1", "ada", "camera"), track("t2", "ada", "microphone")] });
  assert.equal(trackOf(state, "ada", "microphone").track_id, "t2");
  assert.equal(trackOf(state, "ada", "screen"), undefined);
});

test("shared screens of others come before one's own, muted ones are not shown", () => {
  const state = joined(undefined, {
    tracks: [track("s1", "me", "screen"), track("s2", "ada", "screen"), track("s3", "ada", "screen", { muted: true })],
  });
  assert.deepEqual(screenTracks(state).map((item) => item.track_id), ["s2", "s1"]);
});

test("oneself is first in the roster", () => {
  assert.deepEqual(roster(joined([person("ada"), person("me")])).map((item) => item.participant_id), ["me", "ada"]);
});

test("up to the capacity everybody keeps their place, whoever speaks", () => {
  const state = after(joined([person("me"), person("a"), person("b")]), { type: "speakers.active", participant_ids: ["b"] });
  assert.deepEqual(pageOf(state, 25).shown.map((item) => item.participant_id), ["me", "a", "b"]);
});

test("beyond the capacity those who spoke last come first, after oneself", () => {
  const people = [person("me"), ...Array.from({ length: 30 }, (_, index) => person(`p${index}`))];
  const state = after(joined(people), { type: "speakers.active", participant_ids: ["p29"] }, { type: "speakers.active", participant_ids: ["p27"] });
  const first = pageOf(state, 25);
  assert.equal(first.pages, 2);
  assert.deepEqual(first.shown.slice(0, 4).map((item) => item.participant_id), ["me", "p27", "p29", "p0"]);
  const second = pageOf(reduce(state, { type: "page", page: 9 }), 25);
  assert.equal(second.page, 1);
  assert.equal(second.shown.length, 6);
});

test("subscribers are told once for many actions", async () => {
  const store = createStore(reduce, INITIAL_STATE);
  const seen = [];
  store.subscribe((state) => seen.push(state.phase));
  store.dispatch({ type: "reset", phase: "preview" });
  store.dispatch({ type: "ended", code: "left", detail: "" });
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(seen, ["ended"]);
});

test("a recording is known from the snapshot and from its changes", () => {
  const recording = { state: "recording", recorded: ["me"] };
  const state = after(joined([person("me")], { recording }), { type: "recording.changed", recording: { state: "paused", recorded: [] } });
  assert.equal(joined([person("me")], { recording }).recording, recording);
  assert.equal(state.recording.state, "paused");
});

test("who waits is known until they are let in", () => {
  const guest = { guest_id: "g", display_name: "Eve", reason: "", role: "participant", personal: false };
  const state = after(joined([person("me")], { lobby: [guest] }), { type: "lobby.changed", guests: [] });
  assert.deepEqual(joined([person("me")], { lobby: [guest] }).lobby, [guest]);
  assert.deepEqual(state.lobby, []);
});

test("one who was admitted may take a seat once", () => {
  const admitted = reduce(INITIAL_STATE, { type: "event", event: { type: "lobby.admitted" } });
  assert.equal(admitted.admitted, true);
  assert.equal(joined([person("me")]).admitted, false);
});

test("state and switches of the meeting are known from the snapshot and from their changes", () => {
  const settings = { screen_share: "one", chat: false, unmute: true, roster: true, waiting_room: true, admit_personal: true };
  const state = joined([person("me")], { state: "locked", settings });
  assert.deepEqual([state.meeting.state, state.meeting.settings], ["locked", settings]);
  const suspended = after(state, { type: "meeting.changed", title: "Weekly", state: "suspended", settings: { ...settings, chat: true } });
  assert.deepEqual([isSuspended(suspended), suspended.meeting.settings.chat], [true, true]);
});

test("what a host holds is known by participant and source", () => {
  const state = joined([person("me"), person("ada", { held: ["camera"] })]);
  assert.deepEqual([isHeld(state, "ada", "camera"), isHeld(state, "ada", "microphone"), isHeld(state, "me", "camera")], [true, false, false]);
});

test("the question for consent stands until one is recorded, answers, or nothing is recorded", () => {
  const recording = (recorded, state = "recording") => ({ type: "recording.changed", recording: { state, recorded, recording_id: "r" } });
  const asked = after(joined([person("me")]), recording([]), { type: "recording.consent_requested", recording_id: "r" }, recording(["ada"]));
  assert.equal(asked.consent_asked, "r");
  assert.equal(after(asked, recording(["me"])).consent_asked, null);
  assert.equal(after(asked, recording([], "off")).consent_asked, null);
  assert.equal(reduce(asked, { type: "consent_answered" }).consent_asked, null);
  assert.deepEqual(asked.recordings, ["r"]);
});

test("who is recorded is known of each, also of one who comes from another room", () => {
  const running = joined([person("me")], { recording: { state: "recording", recorded: [], recording_id: "r" } });
  const state = after(running, { type: "participants.moved", participants: [person("ada", { recorded: true })] });
  assert.deepEqual([isRecorded(state, "ada"), isRecorded(state, "me"), isRecorded(joined(), "me")], [true, false, null]);
  assert.equal(isRecorded(after(state, { type: "participant.changed", participant: person("ada", { recorded: false }) }), "ada"), false);
  assert.equal(isRecorded({ ...state, place: { ...state.place, breakout_id: "blue" } }, "ada"), null);
});

test("where participants may not unmute themselves, one needs a host's leave, until a host mutes one again", () => {
  const mic = (muted) => ({ type: "track.changed", track: track("m", "me", "microphone", { muted }) });
  const closed = joined([person("me")], { settings: { unmute: false } });
  assert.deepEqual([needsLeave(closed), needsLeave(joined())], [true, false]);
  const allowed = after(closed, { type: "unmute.requested", source: "microphone" }, mic(true));
  assert.equal(needsLeave(allowed), false);
  const talking = reduce(allowed, { type: "local", local: { microphone: "on" } });
  assert.equal(after(talking, mic(true)).unmute_allowed, false);
});

test("hosts know who is in another room, and only those of one's own room have a tile", () => {
  const away = person("bob", { breakout_id: "blue" });
  let state = joined([person("me"), person("ada"), away], { breakouts: [{ breakout_id: "blue", title: "Blue", participants: 1 }] });
  assert.deepEqual(roster(state).map((one) => one.participant_id), ["me", "ada"]);
  assert.deepEqual(Object.keys(state.elsewhere), ["bob"]);
  state = after(state, { type: "participants.moved", participants: [person("ada", { breakout_id: "blue" }), person("bob")] });
  assert.deepEqual(roster(state).map((one) => one.participant_id), ["me", "bob"]);
  assert.deepEqual(Object.keys(state.elsewhere), ["ada"]);
  state = after(state, { type: "participant.left", participant_id: "ada", reason: "left" });
  assert.deepEqual(state.elsewhere, {});
});

test("entering a room replaces everything, and remembers the way back", () => {
  let state = joined(undefined, { tracks: [track("t1", "ada", "camera")] });
  const snapshot = { participants: [person("me", { breakout_id: "blue" })], tracks: [], slots: [], active_speakers: [], breakout_id: "blue", moves: 1, breakouts: [] };
  state = after(state, { type: "breakout.entered", breakout_id: "blue", snapshot });
  assert.deepEqual(state.tracks, {});
  assert.deepEqual(state.order, ["me"]);
  state = after(state, { type: "breakout.entered", breakout_id: null, snapshot: { ...snapshot, participants: [person("me")], breakout_id: null, moves: 2 } });
  assert.deepEqual(state.place, { breakout_id: null, moves: 2, last: "blue" });
});

test("the countdown of the rooms comes and goes with its event", () => {
  let state = joined();
  const breakouts = [{ breakout_id: "blue", title: "Blue", participants: 0 }];
  state = after(state, { type: "breakouts.changed", breakouts, self_choose: true, closes_in_s: 60 });
  assert.deepEqual(state.breakouts, { rooms: breakouts, self_choose: true, closes_in_s: 60 });
  state = after(state, { type: "breakouts.changed", breakouts: [], self_choose: false });
  assert.deepEqual(state.breakouts, { rooms: [], self_choose: false, closes_in_s: null });
});

test("refused attempts by a personal link are counted by link", () => {
  const tried = (jti) => ({ type: "invitation.reused", jti, role: "viewer", label: "Bob" });
  assert.deepEqual(after(joined([person("me")]), tried("j"), tried("k"), tried("j")).reused, { j: 2, k: 1 });
});
