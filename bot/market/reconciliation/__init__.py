"""An operator's statement compared with our payments: reading, judging, running."""

from bot.market.reconciliation.judging import Finding, Kind
from bot.market.reconciliation.running import Tally, reconcile

__all__ = ["Finding", "Kind", "Tally", "reconcile"]
