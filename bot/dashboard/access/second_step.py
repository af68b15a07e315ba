"""The second step: a code of the person's authenticator, or one of ten codes kept on paper."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime

import pyotp
from cryptography.fernet import Fernet
from sqlalchemy import Connection, delete, insert, update

from bot.storage.schema import staff, staff_codes

_STEP_S = 30
_CODES = 10
_SIGNS = "23456789acdefhjkmnpqrtuvwxy"


class SecondStep:
    """Makes and checks second steps; `key` is the server's secret, mixed into all of it."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._box = Fernet(base64.urlsafe_b64encode(self._derived("totp box")))

    def secret_for(self, link_token: str) -> str:
        """The authenticator's secret that a one-time link offers; the same each time it opens."""
        return base64.b32encode(self._derived(f"totp {link_token}")[:20]).decode()

    def sealed(self, secret: str) -> str:
        """The secret as it is stored: a stolen database alone gives no codes."""
        return self._box.encrypt(secret.encode()).decode()

    def step_of(self, secret: str, typed: str, now: datetime) -> int | None:
        """The time step whose code was typed, at most one step away, or None."""
        code = "".join(typed.split())
        if not re.fullmatch("[0-9]{6}", code):
            return None
        step = int(now.timestamp()) // _STEP_S
        totp = pyotp.TOTP(secret)
        for near in (step, step - 1, step + 1):
            if hmac.compare_digest(totp.generate_otp(near), code):
                return near
        return None

    def pass_with_code(
        self, db: Connection, staff_id: int, sealed: str, typed: str, now: datetime
    ) -> bool:
        """Whether an authenticator's code lets the person through; each code does so once."""
        step = self.step_of(self._box.decrypt(sealed.encode()).decode(), typed, now)
        if step is None:
            return False
        fresh = (staff.c.id == staff_id) & (staff.c.totp_step < step)
        return db.execute(update(staff).where(fresh).values(totp_step=step)).rowcount == 1

    def new_codes(self, db: Connection, staff_id: int) -> list[str]:
        """Ten new codes for paper, told only now; the old ones are good no more."""
        codes = ["".join(secrets.choice(_SIGNS) for _ in range(10)) for _ in range(_CODES)]
        db.execute(delete(staff_codes).where(staff_codes.c.staff_id == staff_id))
        rows = [{"staff_id": staff_id, "digest": self._digest(code)} for code in codes]
        db.execute(insert(staff_codes), rows)
        return [f"{code[:5]}-{code[5:]}" for code in codes]

    def pass_with_paper(self, db: Connection, staff_id: int, typed: str, now: datetime) -> bool:
        """Whether a code from the paper lets the person through; each does so once."""
        code = re.sub(r"[\s-]", "", typed).lower()
        good = (
            (staff_codes.c.staff_id == staff_id)
            & (staff_codes.c.digest == self._digest(code))
            & staff_codes.c.used_at.is_(None)
        )
        return db.execute(update(staff_codes).where(good).values(used_at=now)).rowcount == 1

    def _digest(self, code: str) -> str:
        return hmac.new(self._key, f"paper {code}".encode(), hashlib.sha256).hexdigest()

    def _derived(self, what: str) -> bytes:
        return hmac.new(self._key, what.encode(), hashlib.sha256).digest()
