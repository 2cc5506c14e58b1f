from tests.support.meetings import MeetingInMemory

from conclave.meeting.place import Place


def test_a_place_begins_silent_and_without_a_breakout_id_it_is_the_main_room() -> None:
    room = MeetingInMemory()
    room.open()
    place = Place(media=room.meeting.main.media.sibling())
    assert (place.breakout_id, place.title, place.speakers) == (None, "", ())


def test_two_places_of_a_meeting_share_no_media() -> None:
    room = MeetingInMemory()
    room.open()
    main = room.meeting.main
    assert Place(media=main.media.sibling()).media is not main.media
