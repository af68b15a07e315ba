"""Which of the calls somebody wants to see, as the address of the board and of its feed says it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from bot.conversation import LANGUAGES
from bot.dashboard.screens.place_words import FLOWS, is_in_flow
from bot.dashboard.screens.risk_words import RISK_WORDS
from bot.i18n import N_

# Names, alike in every language.
CHANNELS = {"phone": "USSD", "chat": "Telegram"}
RISKS = {"any": N_("at risk, for any reason"), **RISK_WORDS}
_CHOICES: dict[str, Collection[str]] = {
    "channel": CHANNELS,
    "language": LANGUAGES,
    "flow": FLOWS,
    "risk": RISKS,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Each "" for all of them; `risk` is "any", or what puts a call at risk."""

    channel: str = ""
    language: str = ""
    flow: str = ""
    risk: str = ""

    @property
    def query(self) -> str:
        """As an address says it, "" for all calls."""
        return urlencode({name: value for name, value in asdict(self).items() if value})

    def fits(self, chat: bool, place: str, language: str) -> bool:
        """Whether a call like this is wanted, whatever its risks."""
        if self.channel and (self.channel == "chat") != chat:
            return False
        if self.language and self.language != language:
            return False
        return not self.flow or is_in_flow(place, self.flow)

    def fits_risks(self, risks: Collection[str]) -> bool:
        """Whether a call with these risks is wanted."""
        return not self.risk or self.risk in risks or (self.risk == "any" and bool(risks))


ALL = Wanted()


def wanted_in(query: Mapping[str, str]) -> Wanted:
    """What the address asks for; what is no choice is left out."""
    known = {name: query[name] for name, among in _CHOICES.items() if query.get(name, "") in among}
    return Wanted(**known)


def asks_for_more(query: Mapping[str, str], beside: Collection[str]) -> bool:
    """Whether an address has something that is no filter, or no choice of one, nor `beside`."""
    return any(
        name not in _CHOICES or (value != "" and value not in _CHOICES[name])
        for name, value in query.items()
        if name not in beside
    )
