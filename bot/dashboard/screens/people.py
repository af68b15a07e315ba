"""People: found by number or name; one person; a copy of their data; forgetting them by two."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from bot.dashboard.access.members import note
from bot.dashboard.access.roles import ANSWERERS, AUDITORS, CUSTODIANS, FINDERS, REVEALERS
from bot.dashboard.forms import fields_of
from bot.dashboard.guard import VISITOR
from bot.dashboard.rendering import Pages
from bot.dashboard.screens import (
    person_deeds,
    person_help,
    person_mute,
    person_notes,
    whole_number,
)
from bot.dashboard.screens.asked import SEARCH_MOST, address, before_asked, choice_asked, text_asked
from bot.dashboard.screens.by_lots import Found
from bot.dashboard.screens.code_words import word_of
from bot.dashboard.screens.export_tables import may_export
from bot.dashboard.screens.looks import LOOK_WORDS, looks_at
from bot.dashboard.screens.order_desk import OFFER_WORDS
from bot.dashboard.screens.payment_words import STATE_WORDS
from bot.dashboard.screens.people_desk import (
    ROLE_WORDS,
    PersonPage,
    contact_with,
    one_person,
    people_page,
    subject_of,
)
from bot.dashboard.screens.place_words import place_name
from bot.dashboard.screens.reveal import REASONS, look_up, reveal
from bot.dashboard.screens.ticket_desk import CATEGORY_WORDS
from bot.i18n import N_
from bot.kept_text import kept_text
from bot.market import Market, leaving, news_wishes
from bot.market.leaving_words import due_lines

_PATH = "/dashboard/people"
_PIN_WORDS = {
    "none": N_("has no PIN"),
    "set": N_("has a PIN"),
    "locked": N_("PIN locked"),
    "reset": N_("may choose a new PIN"),
}
_SAID = {
    "proposed": N_("Noted. It is done when a second person does the same."),
    "waits": N_("Something waits for a second person already."),
    "another": N_("What waits here is another than you were shown. Nothing was done: look again."),
    "same_person": N_("You have asked for this. A second, different person must do it."),
    "no_effect": N_("No effect: this was done already, or is not needed any more."),
    "no_reason": N_("Say why: the next person reads it."),
    "withdrawn": N_("Withdrawn. Nothing was changed."),
    "noted": N_("Noted. Who opens this page next sees it."),
    "no_note": N_("There is nothing in it. Nothing was kept."),
    "note_gone": N_("The note is gone."),
    "spoken": N_("They are spoken to in that language from now on."),
    "muted": N_("Muted. What is about money or a PIN is sent all the same."),
    "unmuted": N_("They are sent all news again."),
    "unlinked": N_("No chat speaks for this number any more, and the chat is told."),
    "erased": N_("Forgotten: name, number, PIN and calls are gone; orders and payments stay."),
}


class People:
    """The people's pages."""

    def __init__(self, market: Market, pages: Pages) -> None:
        self._records, self._pages, self._country = market.records, pages, market.hub.country

    async def listed(self, request: web.Request) -> web.Response:
        """The newest first, or those whose name is looked for."""
        return await self._list_page(request)

    async def find(self, request: web.Request) -> web.Response:
        """Who has this whole number; that somebody asked is on record, and counts as a look."""
        by, now = request[VISITOR].member.name, datetime.now(UTC)
        typed, country = (await fields_of(request)).get("number", "")[:SEARCH_MOST], self._country
        found = await self._records.write(
            lambda db: look_up(db, lambda db: contact_with(db, typed, country), by, now)
        )
        if found is None:
            return whole_number.too_many(self._pages, request, "", _PATH)
        if not found:
            return await self._list_page(request, nobody=True)
        raise web.HTTPSeeOther(f"{_PATH}/{found}")

    async def _list_page(self, request: web.Request, *, nobody: bool = False) -> web.Response:
        visitor = request[VISITOR]
        filters = {
            "q": text_asked(request, "q"),
            "role": choice_asked(request, "role", ROLE_WORDS),
        }
        before = before_asked(request)
        people, found = await people_page(self._records, filters, before)
        if nobody:
            people, found = [], Found([], 0)
        return self._pages.page(
            "people.html",
            visitor.member,
            visitor.form,
            people=people,
            partly=found.partly,
            may_find=visitor.member.role in FINDERS,
            filters=filters,
            next_page=address(_PATH, **filters, before=found.following) if found.following else "",
            roles_of_people=ROLE_WORDS,
            may_export=may_export("people", visitor.member.role),
        )

    async def one(self, request: web.Request) -> web.Response:
        """One person; that somebody looked is on record."""
        visitor, found = request[VISITOR], await self._found(request)
        by, now, person = visitor.member.name, datetime.now(UTC), found.row
        sees_looks, read = visitor.member.role in AUDITORS, self._records.read
        looks = await read(lambda db: looks_at(db, person.id)) if sees_looks else []
        due = await read(lambda db: leaving.due(db, person.id, now))
        await self._records.write(
            lambda db: note(db, by, "profile viewed", subject_of(person.id), now)
        )
        return self._pages.page(
            "person.html",
            visitor.member,
            visitor.form,
            found=found,
            person=person,
            said=_SAID.get(request.query.get("said", ""), ""),
            pin_words=_PIN_WORDS,
            roles_of_people=ROLE_WORDS,
            offer_words=OFFER_WORDS,
            payment_words=STATE_WORDS,
            category_words=CATEGORY_WORDS,
            looks=looks,
            mute=await read(lambda db: news_wishes.mute_of(db, person.id)),
            notes=await read(lambda db: person_notes.notes_about(db, person.id)),
            may_reveal=visitor.member.role in REVEALERS and bool(person.number),
            may_note=visitor.member.role in ANSWERERS and person.erased_at is None,
            word=word_of,
            look_words=LOOK_WORDS,
            reasons=REASONS,
            sees_looks=sees_looks,
            may_help=visitor.member.role in ANSWERERS and bool(person.number),
            place_name=place_name,
            due_lines=partial(due_lines, due),
            may_handle=visitor.member.role in CUSTODIANS and person.erased_at is None,
        )

    async def copy(self, request: web.Request) -> web.Response:
        """All that is held about them, as a file to hand over; with a reason, on record."""
        visitor, found = request[VISITOR], await self._found(request)
        reason = kept_text((await fields_of(request)).get("reason", ""), 160)
        person, by, now = found.row, visitor.member.name, datetime.now(UTC)
        if not reason or person.erased_at is not None:
            raise web.HTTPSeeOther(f"{_PATH}/{person.id}?said=no_reason")

        def put_on_record(db: Connection) -> bool:
            # It names the whole number, so it counts as a look at one.
            shown = reveal(db, subject_of(person.id), "copy", by, now)
            if shown:
                note(db, by, "copy made", subject_of(person.id), now, reason=reason)
            return shown

        if not await self._records.write(put_on_record):
            return whole_number.too_many(self._pages, request, person.name, f"{_PATH}/{person.id}")
        # Photos are in it: it is read when nobody waits for its commit.
        held = await self._records.read(lambda db: person_deeds.copy(db, person.id))
        text = json.dumps(held, ensure_ascii=False, indent=1)
        headers = {"Content-Disposition": f'attachment; filename="isoko-person-{person.id}.json"'}
        return web.Response(text=text, content_type="application/json", headers=headers)

    async def call_about_pin(self, request: web.Request) -> web.Response:
        """Open the ticket by which two reset a locked PIN, after a call; and go there."""
        member, now = request[VISITOR].member, datetime.now(UTC)
        person_id = (await self._found(request)).row.id
        code = await self._records.write(
            lambda db: person_help.call_about_pin(db, person_id, member, now)
        )
        if not code:
            raise web.HTTPSeeOther(f"{_PATH}/{person_id}?said=no_effect")
        raise web.HTTPSeeOther(f"/dashboard/tickets/{code}")

    async def unlink(self, request: web.Request) -> web.Response:
        """End the link of the person's chat."""
        return await self._do(request, person_help.unlink)

    async def write_note(self, request: web.Request) -> web.Response:
        """Keep a note about the person."""
        return await self._do(request, person_notes.write_note)

    async def drop_note(self, request: web.Request) -> web.Response:
        """Take a note away."""
        return await self._do(request, person_notes.drop_note)

    async def speak(self, request: web.Request) -> web.Response:
        """Speak another language to the person."""
        return await self._do(request, person_notes.speak)

    async def mute(self, request: web.Request) -> web.Response:
        """Send the person nothing that may wait."""
        return await self._do(request, person_mute.mute)

    async def unmute(self, request: web.Request) -> web.Response:
        """Send the person all news again."""
        return await self._do(request, person_mute.unmute)

    async def propose(self, request: web.Request) -> web.Response:
        """Ask that they be forgotten; somebody else does it."""
        return await self._do(request, person_deeds.propose)

    async def erase(self, request: web.Request) -> web.Response:
        """Forget them, as somebody else asked."""
        return await self._do(request, person_deeds.erase)

    async def withdraw(self, request: web.Request) -> web.Response:
        """Take back that they be forgotten."""
        return await self._do(request, person_deeds.withdraw)

    async def _do(self, request: web.Request, deed: person_deeds.Deed) -> web.Response:
        member, form, now = request[VISITOR].member, await fields_of(request), datetime.now(UTC)
        person_id = (await self._found(request)).row.id
        said = await self._records.write(lambda db: deed(db, person_id, member, form, now))
        raise web.HTTPSeeOther(f"{_PATH}/{person_id}?said={said}")

    async def _found(self, request: web.Request) -> PersonPage:
        contact_id, now = int(request.match_info["id"]), datetime.now(UTC)
        found = await self._records.read(lambda db: one_person(db, contact_id, now))
        if found is None:
            raise web.HTTPNotFound
        return found
