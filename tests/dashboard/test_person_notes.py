"""On a person's page: the whole number for a reason, notes for the next, another language."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from bot.dashboard.screens.reveal import AN_HOUR
from bot.market import held_data, people
from bot.storage.schema import contacts, person_notes
from tests.dashboard.desk import Desk, joins
from tests.dashboard.test_desks import audited, value
from tests.server import FARMER, TEA, Running

PAGE = "/dashboard/people/1"


async def test_a_whole_number_is_shown_for_a_reason_and_on_record(
    server: Running, supervisor: Desk, viewer: Desk
) -> None:
    assert FARMER[4:] not in await supervisor.gets(PAGE)
    await viewer.gets(PAGE)
    await viewer.posts(f"{PAGE}/reveal", reason="call_back")
    assert viewer.status == 403
    await supervisor.posts(f"{PAGE}/reveal", reason="curiosity")
    assert supervisor.status == 404
    assert FARMER in await supervisor.posts(f"{PAGE}/reveal", reason="call_back")
    assert supervisor.headers["Cache-Control"] == "no-store"
    (line,) = await audited(server, "number revealed")
    assert (line["subject"], line["details"]["reason"]) == ("contact 1", "call_back")
    assert "To call the person back" in await supervisor.gets(PAGE)
    for _more in range(AN_HOUR):
        await supervisor.posts(f"{PAGE}/reveal", reason="safety")
    assert supervisor.status == 429 and FARMER not in supervisor.text


@pytest.mark.usefixtures("either_store")
async def test_notes_are_kept_for_the_next_without_numbers_and_go_with_the_person(
    server: Running,
) -> None:
    records = server.parts.market.records
    async with Desk(server) as ann, Desk(server) as ben, Desk(server) as sam:
        await joins(ann, server, "ann", "agent")
        await joins(ben, server, "ben", "agent")
        await joins(sam, server, "sam", "supervisor")
        for text in (f"Call after 5; not {TEA}. <b>PIN 73914</b>", "Second"):
            await ann.posts(f"{PAGE}/notes", text=text)
            assert ann.headers["Location"].endswith("said=noted")
        await ann.posts(f"{PAGE}/notes", text="  ")
        assert ann.headers["Location"].endswith("said=no_note")
        raw = await ben.raw(PAGE)
        assert "Call after 5" in raw and "&lt;b&gt;" in raw
        assert TEA[4:] not in raw and "73914" not in raw
        first = await value(server, select(person_notes.c.id).order_by(person_notes.c.id))
        await ben.posts(f"{PAGE}/notes/drop", note=str(first))
        assert ben.headers["Location"].endswith("said=no_effect")
        # Of another person's page it is not to be had either.
        await sam.posts("/dashboard/people/2/notes/drop", note=str(first))
        assert sam.headers["Location"].endswith("said=no_effect")
        await sam.posts(f"{PAGE}/notes/drop", note=str(first))
        assert sam.headers["Location"].endswith("said=note_gone")
        held = await records.read(lambda db: held_data.everything(db, 1))
        assert [one["text"] for one in held["person_notes"]] == ["Second"]
        await records.write(lambda db: people.erase(db, 1, datetime.now(UTC)))
        assert await value(server, select(person_notes.c.id)) is None
        await ann.posts(f"{PAGE}/notes", text="after")
        assert ann.headers["Location"].endswith("said=no_effect")


async def test_a_person_is_spoken_to_in_another_language_as_they_ask(
    server: Running, viewer: Desk
) -> None:
    async with Desk(server) as ann:
        await joins(ann, server, "ann", "agent")
        for language, said in (("fr", "spoken"), ("fr", "no_effect"), ("xx", "no_effect")):
            await ann.posts(f"{PAGE}/language", language=language)
            assert ann.headers["Location"].endswith(f"said={said}")
    await viewer.gets(PAGE)
    await viewer.posts(f"{PAGE}/language", language="en")
    assert viewer.status == 403
    spoken = select(contacts.c.language).where(contacts.c.id == 1)
    assert await value(server, spoken) == "fr"
    (line,) = await audited(server, "language changed")
    assert line["details"] == {"before": "rw", "after": "fr"}
    phone = server.phone(FARMER)
    assert "Prix" in await phone.dials()
