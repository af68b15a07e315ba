"""Processes of ours, forked from one that has imported everything: they start in a tenth."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

_ROOT = Path(__file__).parents[1]
# What runs in them; whoever is forked first brings up the one that all others are forked from.
_IN_THEM = ["tests.isoko_command", "tests.sweep.launch"]

fork = multiprocessing.get_context("forkserver")
os.environ["PYTHONPATH"] = str(_ROOT)
fork.set_forkserver_preload(_IN_THEM)
