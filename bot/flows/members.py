"""Members: who belongs to the caller's co-operative."""

from bot.conversation import Screen
from bot.flow import Flow, Next, Turn
from bot.i18n import _
from bot.market import members

flow = Flow("members", start="list", moves=[], personal=True)


@flow.step("list")
async def show_members(turn: Turn) -> Next:
    found = await turn.read(members.of, turn.session.contact_id)
    if not found:
        return Screen(_("No members yet. The hub adds them from your list."))
    title = _("Members: {n}").format(n=len(found))
    return Screen("\n".join([title, *(f"{one.names}, {one.district}" for one in found)]))
