import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

let questions;
let running;

class Camera extends EventTarget {
  constructor(kind) {
    super();
    this.kind = kind;
    running.add(this);
  }
  stop() { running.delete(this); }
}

beforeEach(() => {
  questions = [];
  running = new Set();
  const getUserMedia = (wanted) =>
    new Promise((resolve, reject) => {
      const allow = () => {
        const tracks = Object.keys(wanted).map((kind) => new Camera(kind));
        resolve({ getTracks: () => tracks });
      };
      questions.push({ allow, deny: () => reject(new DOMException("no", "NotAllowedError")) });
    });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { mediaDevices: { getUserMedia, addEventListener() {} } } });
});

const { Devices } = await import("../../client_demo/devices.js");
const make = () => new Devices({ audio: "", video: "", quality: "auto" });

test("what is allowed after everything was stopped is not captured", async () => {
  const devices = make();
  const started = devices.startBoth();
  devices.stopAll();
  questions[0].allow();
  assert.deepEqual(await started, {});
  assert.equal(running.size, 0);
  assert.equal(devices.track("video"), null);
});

test("a refusal after everything was stopped is no error and asks no second time", async () => {
  const devices = make();
  const started = devices.startBoth();
  devices.stopAll();
  questions[0].deny();
  assert.deepEqual(await started, {});
  assert.equal(questions.length, 1);
});

test("a device that is started twice is opened once", async () => {
  const devices = make();
  const [one, two] = [devices.start("video"), devices.start("video")];
  assert.equal(questions.length, 1);
  questions[0].allow();
  assert.equal(await one, await two);
  assert.equal(running.size, 1);
});

test("stopped and started again while it opens, the second opening counts", async () => {
  const devices = make();
  const first = devices.start("audio");
  devices.stop("audio");
  const second = devices.start("audio");
  questions[1].allow();
  questions[0].allow();
  assert.equal(await first, null);
  assert.equal(devices.track("audio"), await second);
  assert.equal(running.size, 1);
});

test("where both together are refused each is asked for alone", async () => {
  const devices = make();
  const started = devices.startBoth();
  questions[0].deny();
  while (questions.length < 2) await Promise.resolve();
  questions[1].allow();
  while (questions.length < 3) await Promise.resolve();
  questions[2].deny();
  const errors = await started;
  assert.equal(errors.video.name, "NotAllowedError");
  assert.equal(devices.track("audio").kind, "audio");
});
