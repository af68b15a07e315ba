"""The calls of the golden transcripts: what is typed, by whom."""

from tests.phone import PIN
from tests.server import AIRTEL, CRAFTS, FARMER, TEA, UNKNOWN

# name: (what happens, who calls, what is typed after the dial)
CALLS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "prices": ("A farmer looks at prices.", FARMER,
               ("1", "1", "0", "2", "1", "1", "00")),
    "first_call": ("Somebody calls for the first time and looks around without a name.", UNKNOWN,
                   ("1", "1", "00", "5", "1", "1", "2", "2", "00", "7", "1", "00", "8", "6", "8")),
    "register": ("An unknown farmer wants orders, and registers.", UNKNOWN,
                 ("2", "3", "99", "1", "1", "Mukamana Aline", "3", "2", "1", "11111", "80642",
                  "12345", "80642", "1")),
    "refuse_consent": ("Somebody does not agree, and is not kept.", UNKNOWN, ("6", "2")),
    "too_young": ("A child is asked to come with a guardian.", UNKNOWN, ("6", "1", "2")),
    "accept": ("A farmer accepts an order.", FARMER, ("2", "1", "1", PIN)),
    "accept_part": ("A farmer accepts a part of an order.", FARMER,
                    ("2", "1", "3", "99", "1", "abc", "500", "50", PIN)),
    "accept_tea": ("A tea farmer accepts an order.", TEA, ("2", "1", "1", PIN)),
    "accept_crafts": ("A crafts maker accepts an order.", CRAFTS, ("2", "1", "1", PIN)),
    "decline": ("A farmer says no; a double press of 2 does nothing.", FARMER,
                ("2", "1", "2", "2", "1", "1")),
    "wrong_pin": ("A farmer types wrong PINs.", FARMER, ("2", "1", "1", "00000", "1", "80808", "80809")),
    "my_orders": ("A farmer looks at an accepted order and says it is delivered.", AIRTEL,
                  ("2", "1", "1", "1", "3")),
    "confirm": ("A farmer confirms that money arrived, and asks for the receipt.", FARMER,
                ("3", "1", PIN, "99", "1", "1")),
    "statement": ("A farmer looks at the statement.", FARMER, ("3", "2", PIN)),
    "payment_problem": ("A farmer reports a payment problem.", FARMER, ("3", "3", "5")),
    "receipt": ("A farmer checks a receipt: a slip first, then a code that nobody has.", FARMER,
                ("3", "4", "2345678A", "2345678K", "0", "0")),
    "track": ("A farmer follows a shipment.", AIRTEL, ("4", "1")),
    "share": ("A farmer looks at the share of the price.", FARMER, ("7", "1", "0", "2", "1")),
    "lessons": ("A farmer takes a lesson.", FARMER, ("5", "1", "1", "1", "1", "1", "2", "1")),
    "account": ("A farmer changes the PIN and says that the phone is shared.", FARMER,
                ("6", "1", PIN, "80642", "80642", "1", "3", "1")),
    "my_data": ("A farmer looks at what is kept, has a copy, and is forgotten.", FARMER,
                ("6", "2", PIN, "1", "0", "2", "1", "3", "7")),
    "help": ("A farmer asks for help.", FARMER, ("8", "4", "8", "1", "7", "12", "Amafaranga ntiyageze")),
    "language": ("A farmer changes the language.", FARMER, ("9", "2", "1")),
    "mistakes": ("A farmer presses keys that mean nothing here.", FARMER,
                 ("x", "77", "", "#", "1", "0", "00")),
}  # fmt: skip
