"""The provinces of Rwanda and their districts, as the official lists name them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.conversation import Language


@dataclass(frozen=True, slots=True)
class Province:
    """One province: its ISO code, its name in each language, its districts."""

    code: str
    rw: str
    en: str
    fr: str
    districts: tuple[str, ...]

    def name(self, language: Language) -> str:
        """The province as people of this language call it."""
        return {"rw": self.rw, "en": self.en, "fr": self.fr}[language]


PROVINCES: tuple[Province, ...] = (
    Province(
        "RW-01",
        "Umujyi wa Kigali",
        "Kigali City",
        "Ville de Kigali",
        ("Nyarugenge", "Gasabo", "Kicukiro"),
    ),
    Province(
        "RW-02",
        "Intara y'Iburasirazuba",
        "Eastern Province",
        "Province de l'Est",
        ("Rwamagana", "Nyagatare", "Gatsibo", "Kayonza", "Kirehe", "Ngoma", "Bugesera"),
    ),
    Province(
        "RW-03",
        "Intara y'Amajyaruguru",
        "Northern Province",
        "Province du Nord",
        ("Rulindo", "Gakenke", "Musanze", "Burera", "Gicumbi"),
    ),
    Province(
        "RW-04",
        "Intara y'Iburengerazuba",
        "Western Province",
        "Province de l'Ouest",
        ("Karongi", "Rutsiro", "Rubavu", "Nyabihu", "Ngororero", "Rusizi", "Nyamasheke"),
    ),
    Province(
        "RW-05",
        "Intara y'Amajyepfo",
        "Southern Province",
        "Province du Sud",
        ("Nyanza", "Gisagara", "Nyaruguru", "Huye", "Nyamagabe", "Ruhango", "Muhanga", "Kamonyi"),
    ),
)

DISTRICTS: frozenset[str] = frozenset(d for province in PROVINCES for d in province.districts)


def province(code: str) -> Province:
    """The province with this code. Raises StopIteration for an unknown one."""
    return next(one for one in PROVINCES if one.code == code)
