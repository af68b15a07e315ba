"""An operator's statement compared with our payments: reading, judging, running."""

from bot.market.reconciliation.judging import Finding, Kind
from bot.market.reconciliation.running import Tally, reconcile
from bot.market.reconciliation.statement import StatementProblem

__all__ = ["Finding", "Kind", "StatementProblem", "Tally", "reconcile"]
