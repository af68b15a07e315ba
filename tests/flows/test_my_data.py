"""What is kept about a person is shown in words that they read."""

import pytest

from tests.phone import PIN
from tests.server import Running

_SHOWN = {
    "1": "Ururimi: Kinyarwanda",
    "2": "Langue: Francais",
    "3": "Language: English",
}


@pytest.mark.parametrize("key", _SHOWN)
async def test_my_data_names_the_language_in_its_own_word(server: Running, key: str) -> None:
    phone = server.phone()
    await phone.dials()
    await phone.types("9", key)
    await phone.dials()
    assert _SHOWN[key] in (await phone.types("6", "2", PIN, "1")).split("\n")
