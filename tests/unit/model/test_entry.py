from conclave.model.entry import Ban, Demotion, InvitationRecord, Remembered
from conclave.model.roles import Role


def test_what_is_not_known_of_a_ban_or_an_invitation_is_empty() -> None:
    ban = Ban(jti="j", personal=True, device_id="", whole=False, until_s=1.0)
    assert (ban.source_hash, ban.source_until_s) == (b"", 0.0)
    record = InvitationRecord(jti="j", role=Role.VIEWER, seats=1, max_uses=0, issued_at_s=1, expires_at_s=2)
    assert (record.label, record.uses, record.device_id, record.user_id) == ("", 0, "", "")
    demotion = Demotion(jti="j", personal=True, device_id="", role=Role.VIEWER, until_s=1.0)
    assert (demotion.source_hash, demotion.source_until_s) == (b"", 0.0)
    assert Remembered() == Remembered((), (), ())
