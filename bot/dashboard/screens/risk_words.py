"""What puts a call at risk, in words."""

from __future__ import annotations

from bot.i18n import N_

RISK_WORDS = {
    "again": N_("same screen again and again"),
    "silent": N_("silent for a minute"),
    "slow": N_("slow answer"),
    "money": N_("money at stake"),
}
