"""Hashing of PINs: argon2id with a pepper, beside the event loop, with a bounded queue."""

from __future__ import annotations

import asyncio
import hmac
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

T = TypeVar("T")
# Hashing takes what the menus leave: on one core it would else have two shares in three.
_NICE = 19


class Busy(Exception):
    """Too many PINs wait to be hashed; the person is asked to try again."""


class PinHashing:
    """Hashes and compares on a few threads; how many may wait is bounded."""

    def __init__(
        self, pepper: str, memory_kib: int, passes: int, lanes: int, workers: int, queue: int
    ) -> None:
        self._pepper = pepper.encode()
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)
        self._pool = ThreadPoolExecutor(workers, "pins", initializer=_give_way)
        self._waiting, self._waiting_max = 0, workers + queue
        # Compared with when a person has no PIN, so that the answer takes the same time.
        self.nobodys = self.hash_now("00000")

    async def hash(self, pin: str) -> str:
        """The hash to keep for `pin`; take a `place` first."""
        return await self._on_thread(self.hash_now, pin)

    async def verify(self, pin_hash: str, typed: str) -> bool:
        """Whether `typed` is the PIN behind `pin_hash`; take a `place` first."""
        return await self._on_thread(self.verify_now, pin_hash, typed)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue. Raises `Busy` when there is none."""
        if self._waiting >= self._waiting_max:
            raise Busy
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def hash_now(self, pin: str) -> str:
        """The hash of `pin`, on this thread."""
        return self._hasher.hash(self._peppered(pin))

    def verify_now(self, pin_hash: str, typed: str) -> bool:
        """Whether `typed` is the PIN behind `pin_hash`, on this thread."""
        try:
            return self._hasher.verify(pin_hash, self._peppered(typed))
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _on_thread(self, work: Callable[..., T], *args: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def _peppered(self, pin: str) -> bytes:
        return hmac.digest(self._pepper, pin.encode(), "sha256")


def _give_way() -> None:
    if sys.platform == "linux":
        # On Linux a thread has a priority of its own, under its own id.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
