"""Golden chats: whole conversations on Telegram in three languages, for a speaker to review.

`pytest --record` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.phone import PIN
from tests.server import COOPERATIVE, CRAFTS, DEBTOR, FARMER, HOST, running
from tests.steady import of_today, steady
from tests.telegram.door import Chat, link, said
from tests.telegram.test_photos import a_file, jpeg, sent

_FOLDER = Path(__file__).parent / "transcripts"
# The name of a language, as its button says it.
_LANGUAGES = {"rw": "Kinyarwanda", "fr": "Français", "en": "English"}

# The code that links a chat is another one each time.
_CODE = re.compile(r"(: |\*)[0-9]{6}\b")

_FILES = {
    "{xlsx}": b"PK\x03\x04\x14\x00\x06\x00",
    "{csv}": "\ufeffnumero;nom\r\n0788 000 001;Aline\r\n788000002;Claire\r\n0788000005;Eric\r\n"
    "0788999111;Jean\r\n".encode(),
}

# name: (what happens, who, what is pressed (a number: that button) or typed)
CHATS: dict[str, tuple[str, str, tuple[int | str, ...]]] = {
    "prices": ("A farmer looks at prices.", FARMER, ("/prices", 1, "0", 2, 1, "00")),
    "net_price": (
        "A farmer looks at what is taken of the floor price, and at a price by week.",
        FARMER,
        ("/prices", 1, 2, "0", "0", 2, 3, 2, "0", "0"),
    ),
    "accept": ("A farmer accepts an order.", FARMER, ("/orders", 1, 1, "12345", PIN)),
    "accept_part": (
        "A farmer accepts a part of an order, with a unit.",
        FARMER,
        ("/orders", 1, 3, 1, "abc", "50 packs", PIN),
    ),
    "part_in_kilos": (
        "A farmer says in kilos how much: 12 kg are 24 packs.",
        FARMER,
        ("/orders", 1, 3, 1, "700 Frw", "12 kg", PIN),
    ),
    "stock": (
        "A farmer offers stock, with a photo of it.",
        FARMER,
        (
            "/orders",
            3,
            2,
            1,
            1,
            1,
            "12 packs",
            "1,200 kg",
            "500",
            "650 Frw",
            "{lately}",
            1,
            "{photo}",
            1,
        ),
    ),
    "stock_change": (
        "A farmer changes and withdraws what is offered.",
        FARMER,
        ("/orders", 3, 1, 1, "1 000 kg", 1, 1, 2, "720", 1, 1, 3, 1),
    ),
    "members": ("A co-operative looks at its members.", COOPERATIVE, ("/orders", 4, 1)),
    "members_add": (
        "A co-operative takes in members by typed numbers.",
        COOPERATIVE,
        ("/orders", 4, 2, "0788000005", "0788000001 0788000002 0788000005 abc", PIN, 1),
    ),
    "members_list": (
        "A co-operative sends its list: a spreadsheet's own file, then a CSV.",
        COOPERATIVE,
        ("/orders", 4, 2, "{xlsx}", "{csv}", PIN, 1, 1),
    ),
    "split": (
        "A co-operative accepts an order and shares it among its members.",
        COOPERATIVE,
        ("/orders", 1, 1, PIN, "/orders", 1, 1, 3, 1, 1, 1),
    ),
    "give": ("A member says how much.", DEBTOR, ("/orders", 3, 1, "12 packs", "50 kg", PIN)),
    "give_not": ("A member gives nothing.", DEBTOR, ("/orders", 3, 2, "yego", 1)),
    "alerts": (
        "A farmer wants to be told of a price, and of another no more.",
        FARMER,
        ("/orders", 3, 3, 2, 1, 1, "700 kg", "800 Frw", 1, 1, 1, 1),
    ),
    "decline": ("A farmer says no, first in a word.", FARMER, ("/orders", 1, 2, "oya", 2, "yego")),
    "lessons": ("A farmer takes a lesson.", FARMER, ("/menu", 5, 1, 1, 1)),
    "help": ("A farmer asks for help.", FARMER, ("/help", 1, "/buy", "0")),
    "visitors": ("A host accepts visitors.", HOST, ("/menu", 6, 1, PIN)),
    "agent": (
        "A farmer writes with one of us, and goes on with the bot.",
        FARMER,
        ("/orders", 1, "/agent", "73914", 1, "/continue", 1),
    ),
    "statement": (
        "A farmer asks for the statement as a PDF, and as a table.",
        FARMER,
        ("/menu", 3, 2, PIN, 1, 1, 2),
    ),
    "other_kinds": (
        "A farmer sends a voice message, and a photo where none is asked for.",
        FARMER,
        ("/orders", "{voice}", "{photo}", 1),
    ),
    "link": (
        "Somebody shares the number of a farmer's phone, to be confirmed there.",
        "",
        ("/orders", "{contact}", "123456", "/orders"),
    ),
    "sale": (
        "A crafts maker asks a buyer to pay, and looks how it stands.",
        CRAFTS,
        ("/menu", 3, 4, 1, "0788 999 053", "12 kg", "12 000 Frw", "agaseke 2", PIN, 1, 2, "0"),
    ),
    "stop": ("A farmer ends the link.", FARMER, ("/stop", "/stop")),
    "unlinked": ("Somebody without a number looks around.", "", ("/start", "/prices", 1, "/menu")),
}


@pytest.mark.parametrize("language", _LANGUAGES)
@pytest.mark.parametrize("name", CHATS)
async def test_a_chat_reads_as_it_did(
    name: str, language: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The whole chat, message by message, is the one that was reviewed."""
    title, who, entries = CHATS[name]
    async with running(tmp_path) as server:
        if who:
            await link(server, who)
        chat = Chat(server)
        await chat.types("/language" if who else "/start")
        await chat.presses(_LANGUAGES[language])
        told = [f"{title}\n"]
        for entry in entries:
            # Where the person was last decides where news goes, and is written down in batches.
            await server.write_transcripts()
            before = len(await said(server))
            label = list(chat.buttons)[entry - 1] if isinstance(entry, int) else of_today(entry)
            await _does(chat, label, pressed=isinstance(entry, int))
            shown = [_shown(one) for one in (await said(server))[before:]]
            mark = f"[{label}]" if isinstance(entry, int) else label.replace(PIN, "•••••")
            told.append("\n".join([f"> {mark}", *filter(None, shown)]) + "\n")
    found = _CODE.sub(r"\g<1>246810", steady("\n".join(told)))
    file = _FOLDER / f"{name}.{language}.txt"
    if request.config.getoption("--record"):
        _FOLDER.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


async def _does(chat: Chat, label: str, *, pressed: bool) -> None:
    if pressed:
        await chat.presses(label)
    elif label == "{photo}":
        await chat.sends(chat.message(photo=sent(chat.server, jpeg(400))))
    elif label in _FILES:
        document = a_file(chat.server, _FILES[label], "members.csv")
        await chat.sends(chat.message(document=document))
    elif label == "{voice}":
        await chat.sends(chat.message(voice={"file_id": "v", "duration": 3}))
    elif label == "{contact}":
        card = {"phone_number": FARMER, "first_name": "Aline", "user_id": chat.user_id}
        await chat.sends(chat.message(contact=card))
    else:
        await chat.types(label)


def _shown(call: dict) -> str:
    args, method = call["args"], call["method"]
    if method == "answerCallbackQuery":
        return f"({args['text']})" if "text" in args else ""
    if "text" not in args:
        return f"<{method}>"
    rows = args.get("reply_markup", {}).get("inline_keyboard", [])
    buttons = [" ".join(f"[{button['text']}]" for button in row) for row in rows]
    return "\n".join([f"{'~ ' if method == 'editMessageText' else ''}{args['text']}", *buttons])
