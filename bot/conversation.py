"""The words of talk: what a person sends, what we show, and where a conversation stands."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

Language = Literal["rw", "fr", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
# Each in its own words, for everyone: so they are not in the catalogues.
LANGUAGE_NAMES: dict[Language, str] = {"rw": "Kinyarwanda", "fr": "Français", "en": "English"}

Kind = Literal["dial", "input", "end", "goto"]
Asks = Literal["", "text", "number", "pin", "contact"]


class Inbound(msgspec.Struct, frozen=True):
    """One thing a person sent, whatever the gateway's dialect.

    `msisdn` is E.164, or names an account of which no number is known ("tg:700100200"). `history`
    is everything typed in this session, joined by `*`, where the gateway sends that (Africa's
    Talking); otherwise None and `typed` is the latest entry.
    Of an "end", `typed` is what the gateway says of it: "completed", "abandoned", or "".
    With kind "goto" `typed` names a flow, to be begun from home, or is "" for home itself.
    `hop_id` is the hop's own number or id where the gateway gives one, else "". Where it gives
    neither that nor a history, `stamp` is what else would be the same if the hop came again, such
    as its time, "" for nothing; it may also be the same all through a session.
    `tail` is what a long code adds, should this turn out to be the first hop of its session, which
    not every wire tells; of a "dial" that is `typed`.
    `network` is the mobile network code ("63510"), "" when unknown.
    """

    channel: str
    gateway: str
    session_id: str
    msisdn: str
    kind: Kind
    typed: str = ""
    history: str | None = None
    hop_id: str = ""
    network: str = ""
    service_code: str = ""
    stamp: str = ""
    tail: str = ""

    @property
    def session_key(self) -> str:
        """Where the session of this inbound is kept."""
        return f"{self.gateway}:{self.session_id}"

    @property
    def from_phone(self) -> bool:
        """Whether the network itself says that it came from this number's SIM."""
        return self.channel == "ussd"


class Choice(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One numbered line, or one button.

    Choosing it follows `move` on the flow's map, or, when `start` names a flow, begins that flow.
    `value` travels with it and is what the next step reads, so that "2" means what the person saw.
    `key` is the digit to press; "" numbers the choice by its place.
    """

    label: str
    move: str = ""
    value: Any = None
    start: str = ""
    key: str = ""


class Screen(msgspec.Struct, array_like=True, omit_defaults=True):
    """What to show, on any channel: a text and choices, or a text and one question.

    `asks` says what is expected when there are no choices; "contact" is the person's own number,
    shared with a button, which is asked only where no number is known. `guard` marks consent, what
    is answered by a deed, and where money goes: a dialled long code never passes it (a PIN is
    always such a guard). `keep` is a last line, such as a total, that stays whole. `resume` is what
    the redial card names, "" when there is nothing to resume. `more` is said where there is room
    for it, which a phone has not; `photo_of` is the stock of which a channel that has photos takes
    them here, 0 for none. With `list_file` the answer may come as a table in a file, too: what is
    typed then is the first cell of each line, each after a comma. `of_others` marks what names
    other people, or asks for their numbers: it is not written down with this person's calls, where
    nobody would find it when the other leaves.
    """

    text: str
    choices: list[Choice] = []
    asks: Asks = ""
    ends: bool = False
    keep: str = ""
    guard: bool = False
    resume: str = ""
    more: str = ""
    photo_of: int = 0
    list_file: bool = False
    of_others: bool = False

    @property
    def guards(self) -> bool:
        """Whether a replay or a long code must stop here."""
        return self.guard or self.asks == "pin"


class Page(msgspec.Struct, frozen=True):
    """One page as it leaves: its text, how many choices were seen by then, whether more follow."""

    text: str
    seen: int = 0
    more: bool = False


class Reply(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What goes back through the gateway for one hop."""

    text: str
    ends: bool = False


class Latest(msgspec.Struct, array_like=True):
    """The last hop of a session whose gateway sends only the latest entry.

    `entry` is a keyed digest of what came, `mark` that under which its reply is kept. `stamp_tells`
    says that its stamp was another than that of the hop before. `answered_at` is 0.0 as long as it
    has no answer.
    """

    entry: bytes
    mark: bytes
    stamp: str = ""
    stamp_tells: bool = False
    answered_at: float = 0.0


class Session(msgspec.Struct, array_like=True, omit_defaults=True):
    """Where one conversation stands. It belongs to one owner; `transitions` moves `state`.

    `stack` holds (flow, state, notes, passed through) of each caller, innermost last; one that was
    only passed through led on by itself, and `0` does not stop there. `hint` is what the person was
    last told about a wrong answer; it takes room on the pages. `notes` keeps what was
    picked or typed in this flow, under the name of the state that asked. `screen` and `page` are
    what the person last saw, `seen` how many of its choices. `replies` holds the answer given to
    each hop, packed by `bot.engine.replies`. `trail` is what was typed, with secrets cut out.
    `history_mark` is a keyed digest of all that was typed, so that no PIN is kept to compare with.
    `checking` is the hop whose work was not ready in time, `checking_at` when it came. `adrift`
    says that nobody could look up who is calling, since the records were out of reach. `line` is
    what staff want the person to read on the next screen; `closing` ends the call there.
    `secret_mark` is the last hop that answered a question for a PIN. `latest` is the last hop where
    no history tells it. `moved_to` is the session in which the person went on by another channel;
    nothing is done here any more. `offered` is what another channel left open and was named here
    already. `agreed` says that this call found the words that the person agreed to, and they are
    today's.
    """

    gateway: str
    id: str
    owner: str
    flow: str = ""
    state: str = ""
    contact_id: int = 0
    role: str = ""
    crop: str = ""
    district: str = ""
    shared: bool = False
    language: Language | None = None
    stack: list[tuple[str, str, dict[str, Any], bool]] = []
    notes: dict[str, Any] = {}
    screen: Screen | None = None
    page: int = 0
    seen: int = 0
    history_size: int = 0
    history_mark: bytes = b""
    replies: bytes = b""
    trail: list[str] = []
    hops: int = 0
    network: str = ""
    started_at: float = 0.0
    seen_at: float = 0.0
    wrong_pins: int = 0
    unlocked: bool = False
    checking: bytes = b""
    checking_at: float = 0.0
    ended: bool = False
    hung_up: bool = False
    hint: str = ""
    adrift: bool = False
    line: str = ""
    closing: bool = False
    secret_mark: bytes = b""
    latest: Latest | None = None
    moved_to: str = ""
    offered: str = ""
    agreed: bool = False

    @property
    def key(self) -> str:
        """Where this session is kept."""
        return f"{self.gateway}:{self.id}"

    @property
    def number(self) -> str:
        """The owner's number in E.164, "" when the owner is an account without one."""
        return self.owner if self.owner.startswith("+") else ""

    def forget_person(self) -> None:
        """Nobody is known here any more, and nothing of what they did is kept."""
        self.contact_id, self.role, self.shared, self.unlocked = 0, "", False, False
        self.agreed = False
        self.crop, self.district = "", ""
        self.stack, self.notes, self.trail = [], {}, []


class Nav(msgspec.Struct, frozen=True):
    """The words of the navigation lines, already in the person's language.

    `can_back` and `can_home` say whether `0` and `00` lead anywhere from the first page.
    """

    next: str
    back: str
    home: str
    can_back: bool = True
    can_home: bool = True
