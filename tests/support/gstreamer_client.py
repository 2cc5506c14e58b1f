"""GStreamer's webrtcbin (libnice, OpenSSL, an RSA certificate) as a WHIP sender or a WHEP player.

Runs with the system's Python, where GStreamer's bindings are; imports nothing of the project.

    gstreamer_client.py whip|whep <endpoint URL> <CA file>      {"token": "..."} is the first line of standard input
Then one JSON command a line: {"do": "stats"} or {"do": "stop"}; each is answered with one JSON line.
"""

import json
import ssl
import sys
import urllib.request
from collections import Counter
from typing import Any
from urllib.parse import urljoin

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

SENDER = (
    "webrtcbin name=rtc bundle-policy=max-bundle "
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=15/1 ! queue ! "
    "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=150 target-bitrate=300000 ! rtpvp8pay picture-id-mode=15-bit ! "
    "application/x-rtp,media=video,encoding-name=VP8,payload=96 ! rtc. "
    "audiotestsrc is-live=true wave=sine ! audioconvert ! audioresample ! queue ! opusenc ! rtpopuspay ! "
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! rtc. "
)
PLAYER_CAPS = (
    "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=97,encoding-params=(string)2",
    "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96,rtcp-fb-nack-pli=(boolean)true",
)


class Client:
    """One webrtcbin; references to promises and offers are kept, since freed ones crash the bindings."""

    def __init__(self, mode: str, endpoint: str, ca_file: str, token: str) -> None:
        self._mode, self._endpoint, self._token = mode, endpoint, token
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._kept: list[Any] = []
        self._buffers: Counter[str] = Counter()
        self._resource = ""
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(SENDER) if mode == "whip" else Gst.Pipeline.new("player")
        if mode == "whep":
            self.pipeline.add(Gst.ElementFactory.make("webrtcbin", "rtc"))
        self.rtc = self.pipeline.get_by_name("rtc")
        self.rtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.rtc.connect("on-negotiation-needed", self._on_negotiation_needed)
        self.rtc.connect("notify::ice-gathering-state", self._on_gathering)
        self.rtc.connect("pad-added", self._on_pad)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self._on_error)

    def start(self) -> None:
        if self._mode == "whep":
            for caps in PLAYER_CAPS:
                direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
                self._kept.append(self.rtc.emit("add-transceiver", direction, Gst.Caps.from_string(caps)))
        self.pipeline.set_state(Gst.State.PLAYING)

    def _on_error(self, _bus: Any, message: Any) -> None:
        print(f"pipeline: {message.parse_error()}", file=sys.stderr, flush=True)

    def _on_negotiation_needed(self, _element: Any) -> None:
        if self._kept and self._mode == "whip":
            return
        if self._mode == "whip":
            for index in range(2):
                transceiver = self.rtc.emit("get-transceiver", index)
                transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
                self._kept.append(transceiver)
        promise = Gst.Promise.new_with_change_func(self._on_offer, None)
        self._kept.append(promise)
        self.rtc.emit("create-offer", None, promise)

    def _on_offer(self, promise: Any, _data: Any) -> None:
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self._kept += [reply, offer]
        set_promise = Gst.Promise.new()
        self._kept.append(set_promise)
        self.rtc.emit("set-local-description", offer, set_promise)

    def _on_gathering(self, _element: Any, _property: Any) -> None:
        if self.rtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE and not self._resource:
            self._resource = "pending"
            GLib.idle_add(self._exchange)

    def _exchange(self) -> bool:
        offer = self.rtc.get_property("local-description").sdp.as_text()
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(self._endpoint, offer.encode(), headers, method="POST")  # noqa: S310
        with urllib.request.urlopen(request, context=self._tls, timeout=10) as response:  # noqa: S310
            answer = response.read().decode()
            self._resource = urljoin(self._endpoint, response.headers["Location"])
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        promise = Gst.Promise.new()
        self._kept += [message, description, promise]
        self.rtc.emit("set-remote-description", description, promise)
        return False

    def _on_pad(self, _element: Any, pad: Any) -> None:
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        decoder = Gst.ElementFactory.make("decodebin")
        decoder.connect("pad-added", self._on_decoded)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def _on_decoded(self, _element: Any, pad: Any) -> None:
        kind = "video" if pad.get_current_caps().to_string().startswith("video") else "audio"
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("signal-handoffs", True)
        sink.set_property("sync", False)
        sink.connect("handoff", lambda *_: self._buffers.update([kind]))
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def stats(self) -> dict[str, Any]:
        """Return the connection's state and how many decoded buffers of each kind arrived."""
        state = self.rtc.get_property("connection-state").value_nick
        return {"state": state, "audio": self._buffers["audio"], "video": self._buffers["video"], "resource": self._resource}

    def stop(self) -> dict[str, Any]:
        """Delete the resource, as RFC 9725 asks for, and stop."""
        headers = {"Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(self._resource, headers=headers, method="DELETE")  # noqa: S310
        with urllib.request.urlopen(request, context=self._tls, timeout=10) as response:  # noqa: S310
            status = response.status
        self.pipeline.set_state(Gst.State.NULL)
        return {"status": status}

    def on_command(self, _channel: Any, _condition: Any) -> bool:
        line = sys.stdin.readline()
        if not line:
            self.loop.quit()
            return False
        try:
            answer = self.stop() if json.loads(line)["do"] == "stop" else self.stats()
        except Exception as error:  # every failure is an answer to whoever gave the command
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
        return True


def main() -> None:
    Gst.init(None)
    print(json.dumps({"ready": Gst.version_string()}), flush=True)
    mode, endpoint, ca_file = sys.argv[1:4]
    client = Client(mode, endpoint, ca_file, json.loads(sys.stdin.readline())["token"])
    print(json.dumps({}), flush=True)
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, client.on_command)
    client.start()
    client.loop.run()
    client.pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
