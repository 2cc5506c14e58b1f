"""What a meeting calls a device: a name of its own for each meeting, so that nothing links a person's meetings to each other."""

from base64 import urlsafe_b64encode
from hashlib import sha256

from conclave.model.ids import MeetingId

NAME_BYTES = 18


def device_name(meeting_id: MeetingId, device_id: str | None) -> str:
    """Return the name of the device that calls itself `device_id` (random, so a hash gives nothing away), "" for none."""
    if not device_id:
        return ""
    digest = sha256(f"{meeting_id}\0{device_id}".encode()).digest()
    return urlsafe_b64encode(digest[:NAME_BYTES]).decode()
