/** Choosing camera, microphone, loudspeaker and picture quality. */

import { saveSettings } from "../devices.js";
import { deviceWords } from "../words.js";
import { h } from "./dom.js";

const FIELDS = [
  { kind: "video", list: "videoinput", label: "Camera" },
  { kind: "audio", list: "audioinput", label: "Microphone" },
  { kind: "output", list: "audiooutput", label: "Loudspeaker" },
];
const QUALITIES = [
  ["auto", "Best that fits"],
  ["standard", "Standard, 360p"],
  ["saver", "Save data, 180p"],
];

let serial = 0;

/** {element, refresh, stop}: fields that follow the list of devices. `onerror(words)` and `onoutput(deviceId)` are told. */
export function devicePicker(devices, { kinds = ["video", "audio", "output"], onerror, onoutput }) {
  serial += 1;
  const selects = {};
  const fields = FIELDS.filter(({ kind }) => kinds.includes(kind)).map(({ kind, label }) => {
    const id = `device-${serial}-${kind}`;
    selects[kind] = h("select.select", { id, onchange: () => choose(kind, selects[kind].value) });
    return h("div.field", { "data-kind": kind }, h("label", { for: id }, label), selects[kind]);
  });
  const element = h("div.device-grid", {}, fields, kinds.includes("video") ? qualityField(devices, onerror) : null);

  const choose = async (kind, deviceId) => {
    if (kind === "output") {
      devices.settings.output = deviceId;
      saveSettings(devices.settings);
      onoutput?.(deviceId);
      return;
    }
    try {
      await devices.choose(kind, deviceId);
    } catch (error) {
      onerror(deviceWords(error, kind), kind);
    }
  };
  const refresh = async () => {
    const lists = await devices.list();
    for (const { kind, list, label } of FIELDS) {
      const select = selects[kind];
      if (!select) continue;
      const present = lists[list];
      const running = devices.track(kind)?.getSettings().deviceId ?? devices.settings[kind];
      select.replaceChildren(...present.map(({ deviceId, label: name }) => h("option", { value: deviceId }, name)));
      if (present.length === 0) select.append(h("option", { value: "" }, kind === "output" ? "System default" : `No ${label.toLowerCase()} known yet`));
      select.disabled = present.length === 0;
      if (present.some(({ deviceId }) => deviceId === running)) select.value = running;
      select.parentElement.hidden = kind === "output" && !("setSinkId" in HTMLMediaElement.prototype);
    }
  };
  devices.addEventListener("devices", refresh);
  devices.addEventListener("track", refresh);
  refresh();
  return {
    element,
    refresh,
    stop() {
      devices.removeEventListener("devices", refresh);
      devices.removeEventListener("track", refresh);
    },
  };
}

function qualityField(devices, onerror) {
  const id = `device-${serial}-quality`;
  const select = h("select.select", { id }, QUALITIES.map(([value, words]) => h("option", { value }, words)));
  select.value = devices.settings.quality;
  select.addEventListener("change", async () => {
    devices.settings.quality = select.value;
    saveSettings(devices.settings);
    try {
      await devices.choose("video", devices.settings.video);
    } catch (error) {
      onerror(deviceWords(error, "video"), "video");
    }
  });
  return h("div.field", {}, h("label", { for: id }, "Picture"), select);
}
