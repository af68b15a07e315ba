"""One update of one chat: what it means to the engine, and how the screen goes back."""

from __future__ import annotations

from collections.abc import Mapping

from bot.conversation import LANGUAGES, Inbound, Kind, Language, Nav, Reply, Session
from bot.engine import Engine
from bot.engine.hop import asks_secret
from bot.engine.layout import lay_out
from bot.engine.watch import Watch
from bot.flow import Flow
from bot.i18n import _, speaking
from bot.market.telegram_links import Link
from bot.storage.sessions import Sessions, unpack_kept
from bot.telegram.commands import HOME, LEADS_TO, read_command
from bot.telegram.keyboard import NONE, Keyboard, keyboard_of, nav_of
from bot.telegram.layout import ChatLayout
from bot.telegram.saying import Saying
from bot.telegram.sharing import share_keyboard
from bot.telegram.tokens import Token, Tokens, version_of
from bot.telegram.typed import read_typed
from bot.telegram.wire import Message, Press, User

CHANNEL = "telegram"
# Typed by nobody in a flow: what was last shown is shown again.
_NOTHING_HERE = "#"
_WAYS_OUT = frozenset({"0", "00", "99"})


class Talking:
    """Answers messages and pressed buttons; it keeps nothing of them."""

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        flows: Mapping[str, Flow],
        tokens: Tokens,
        watch: Watch,
    ) -> None:
        self._engine, self._sessions, self._flows = engine, sessions, flows
        self._tokens, self._watch = tokens, watch
        self._layout = ChatLayout()

    async def message(
        self, saying: Saying, message: Message, sender: User, link: Link | None
    ) -> None:
        """Answer a typed message with a new one; a typed PIN is taken back from the chat."""
        text = message.text or ""
        session = await self._session(saying.chat_id, link)
        command = read_command(text)
        if command is not None:
            flow = LEADS_TO.get(command[0])
            kind: Kind = "input" if flow is None else "goto"
            # At home nothing is begun: who left something open is offered to go on.
            if flow == HOME and session is None:
                kind = "dial"
            typed = _NOTHING_HERE if flow is None else flow
        else:
            kind, typed = "input", self._read(text, session)
        inbound = _inbound(saying, sender, link, kind, typed)
        reply = await self._engine.handle(inbound, self._layout)
        after = await self._session(saying.chat_id, link)
        # What came again finds the conversation further on: whether it was a secret, its hop knows.
        secret = session is not None and asks_secret(session)
        secret = secret or (after is not None and self._engine.took_secret(inbound, after))
        if secret and typed not in _WAYS_OUT:
            saying.take_back(message.message_id)
        self._show(saying, sender, reply, after)

    async def press(self, saying: Saying, press: Press, link: Link | None) -> None:
        """Answer a pressed button in its own message; an old or made-up one changes nothing."""
        token = self._tokens.read(press.data, press.sender.id, saying.chat_id)
        session = await self._session(saying.chat_id, link)
        under = press.message.message_id if press.message is not None else 0
        if token is None:
            self._refuse(saying, press, link)
        elif session is None:
            # Nothing is left of the conversation: its message shows what there is now.
            with speaking(language_of(press.sender, None, link)):
                saying.toast(press.id, _("Your session had expired."))
            await self._hop(saying, press.sender, link, "dial", "", under)
        elif token.version != version_of(session) and not self._answered(
            saying, press, link, token, session
        ):
            self._too_late(saying, press, session)
        else:
            await self._pressed(saying, press, link, token, under)

    async def takes(self, saying: Saying, sender: User, link: Link | None, typed: str) -> None:
        """Answer with a new message what is as good as typed, such as what a file said."""
        await self._hop(saying, sender, link, "input", typed)

    async def show_again(self, saying: Saying, sender: User, link: Link | None) -> None:
        """Show what this conversation shows, in a new message; nothing moves on."""
        session = await self._session(saying.chat_id, link)
        if session is None or session.screen is None:
            await self._hop(saying, sender, link, "dial", "")
            return
        flow = self._flows[session.flow]
        with speaking(session.language or "rw"):
            pages = lay_out(self._layout, flow, session, session.screen, session.hint)
            whose = (sender.id, saying.chat_id)
            keyboard = keyboard_of(session, flow, self._layout, self._tokens, *whose)
        saying.screen(pages[min(session.page, len(pages) - 1)].text, keyboard)

    async def keep_place(self, chat_id: int, link: Link | None) -> None:
        """Somebody else speaks in this chat: its conversation is to live on meanwhile."""
        visit = await self._sessions.enter(f"{CHANNEL}:{_id(chat_id, link)}")
        await self._sessions.leave(visit, visit.packed)

    def language(self, sender: User, session: Session | None, link: Link | None) -> Language:
        """The language in which this person is spoken to."""
        return language_of(sender, session, link)

    async def session_of(self, chat_id: int, link: Link | None) -> Session | None:
        """The conversation of this chat, or None."""
        return await self._session(chat_id, link)

    async def _pressed(
        self, saying: Saying, press: Press, link: Link | None, token: Token, under: int
    ) -> None:
        saying.toast(press.id)
        await self._hop(saying, press.sender, link, "input", token.typed, under)

    def _refuse(self, saying: Saying, press: Press, link: Link | None) -> None:
        self._watch.refused(
            "forged button", _owner(press.sender, link), f"{CHANNEL}:{_id(saying.chat_id, link)}"
        )
        with speaking(language_of(press.sender, None, link)):
            saying.toast(press.id, _("Invalid choice. Try again."))
        saying.outcome = "forged button"

    def _too_late(self, saying: Saying, press: Press, session: Session) -> None:
        with speaking(language_of(press.sender, session, None)):
            saying.toast(press.id, _("Already answered. See the last message."))
        saying.outcome = "late button"
        if press.message is not None:
            saying.take_buttons(press.message.message_id)

    def _answered(
        self, saying: Saying, press: Press, link: Link | None, token: Token, session: Session
    ) -> bool:
        """Whether this press had its effect already, and only its answer was lost."""
        inbound = _inbound(saying, press.sender, link, "input", token.typed)
        return self._engine.has_answered(inbound, session)

    async def _hop(
        self,
        saying: Saying,
        sender: User,
        link: Link | None,
        kind: Kind,
        typed: str,
        message_id: int = 0,
    ) -> None:
        inbound = _inbound(saying, sender, link, kind, typed)
        reply = await self._engine.handle(inbound, self._layout)
        session = await self._session(saying.chat_id, link)
        self._show(saying, sender, reply, session, message_id)

    def _show(
        self,
        saying: Saying,
        sender: User,
        reply: Reply,
        session: Session | None,
        message_id: int = 0,
    ) -> None:
        keyboard = NONE
        if session is not None and session.flow:
            flow, whose = self._flows[session.flow], (sender.id, saying.chat_id)
            keyboard = keyboard_of(session, flow, self._layout, self._tokens, *whose)
            if session.screen is not None and session.screen.asks == "contact":
                # Only a new message can bring the button that shares a number.
                keyboard, message_id = _share(nav_of(flow, session), session.language or "rw"), 0
        saying.screen(reply.text, keyboard, message_id)

    async def _session(self, chat_id: int, link: Link | None) -> Session | None:
        session = unpack_kept(await self._sessions.load(f"{CHANNEL}:{_id(chat_id, link)}"))
        return session if session is not None and session.flow in self._flows else None

    def _read(self, text: str, session: Session | None) -> str:
        if session is None:
            return text
        nav = nav_of(self._flows[session.flow], session)
        return read_typed(text, session.screen, session.seen, nav)


def language_of(sender: User, session: Session | None, link: Link | None) -> Language:
    """The conversation's language; else that of the person's Telegram, which has no Kinyarwanda."""
    if session is not None and session.language:
        return session.language
    code = sender.language_code[:2]
    return code if code in LANGUAGES else "rw"


def _share(nav: Nav, language: Language) -> Keyboard:
    """The button that shares one's own number, and the ways out as words to be sent."""
    keyboard = share_keyboard(language)
    ways = [(nav.back, nav.can_back), (nav.home, nav.can_home)]
    out = [{"text": label} for label, leads in ways if leads]
    return {**keyboard, "keyboard": [*keyboard["keyboard"], out] if out else keyboard["keyboard"]}


def _inbound(saying: Saying, sender: User, link: Link | None, kind: Kind, typed: str) -> Inbound:
    """What an update says to the engine: the hop is known by the update's number."""
    return Inbound(
        channel=CHANNEL,
        gateway=CHANNEL,
        session_id=_id(saying.chat_id, link),
        msisdn=_owner(sender, link),
        kind=kind,
        typed=typed,
        hop_id=str(saying.update_id),
    )


def _id(chat_id: int, link: Link | None) -> str:
    """A chat with another link is another conversation: it goes on with nothing of the old one."""
    return f"{chat_id}.{link.id if link else 0}"


def _owner(sender: User, link: Link | None) -> str:
    return link.msisdn if link else f"tg:{sender.id}"
