"""Copies of the store that are of no use without their key.

A file is a mark, a salt, then pieces of a mebibyte, each sealed with AES-256-GCM under a key of
this file alone, which scrypt makes of the salt and what people keep. A piece that is changed,
moved, cut off or of another file does not open.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bot.storage.records import RecordsDown

_MARK = b"isoko sealed copy 1\n"
_SALT, _PIECE, _TAG = 16, 1 << 20, 16
# A tenth of a second and 32 MiB: dear to whoever tries many.
_SCRYPT_N = 1 << 15
KEY_LEAST = 32
_HOW_TO = "make one with `openssl rand -hex 32`, and keep it away from the copies"


def key_from(file: Path | None, setting: str) -> str:
    """The key in a file, else that of the setting, "" for none. Raises `RecordsDown`."""
    if file is None:
        key = setting.strip()
    else:
        try:
            key = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RecordsDown(f"the key file {file} cannot be read ({error})") from error
        if not key:
            raise RecordsDown(f"the key file {file} is empty: {_HOW_TO}")
    if key and len(key) < KEY_LEAST:
        raise RecordsDown(f"the key has fewer than {KEY_LEAST} signs: {_HOW_TO}")
    return key


def is_sealed(copy: Path) -> bool:
    """Whether this file is a sealed copy. Raises `RecordsDown` where it cannot be read."""
    try:
        with copy.open("rb") as file:
            return file.read(len(_MARK)) == _MARK
    except OSError as error:
        raise RecordsDown(f"{copy} cannot be read: {error.strerror}") from error


def seal(plain: Path, copy: Path, key: str) -> int:
    """Write `plain` into the new file `copy`, sealed, and to the disk; its bytes.

    Raises `RecordsDown` where that cannot be; a file that is there already is never written over.
    """
    salt = secrets.token_bytes(_SALT)
    try:
        handle = os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise RecordsDown(f"cannot make {copy}: {error.strerror}; give a new file") from error
    try:
        with os.fdopen(handle, "wb") as out, plain.open("rb") as source:
            out.write(_MARK + salt)
            box = _box(key, salt)
            for number, piece, is_last in _pieces(source, _PIECE):
                out.write(box.encrypt(_nonce(number, is_last=is_last), piece, _MARK))
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        copy.unlink(missing_ok=True)
        raise RecordsDown(f"the copy failed ({error}): is the disk full?") from error
    return copy.stat().st_size


def unseal(copy: Path, plain: Path, key: str) -> None:
    """Write what is in `copy` into the new file `plain`, for its owner. Raises `RecordsDown`."""
    handle = os.open(plain, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as out, copy.open("rb") as source:
            salt = source.read(len(_MARK) + _SALT)[len(_MARK) :]
            box = _box(key, salt)
            for number, piece, is_last in _pieces(source, _PIECE + _TAG):
                out.write(box.decrypt(_nonce(number, is_last=is_last), piece, _MARK))
    except InvalidTag as error:
        plain.unlink(missing_ok=True)
        raise RecordsDown(
            f"{copy} does not open: this is not the key that it was made with, or it is damaged"
        ) from error
    except OSError as error:
        plain.unlink(missing_ok=True)
        raise RecordsDown(f"{copy} cannot be unsealed ({error}): is the disk full?") from error


def _box(key: str, salt: bytes) -> AESGCM:
    if len(salt) != _SALT:
        raise InvalidTag
    return AESGCM(Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=8, p=1).derive(key.encode()))


def _nonce(number: int, *, is_last: bool) -> bytes:
    """Its place in the file, and whether it is the end of it: none is used twice under one key."""
    return number.to_bytes(11, "big") + bytes([is_last])


def _pieces(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Each piece with its number, and whether it is the last; of an empty file one empty piece."""
    number, piece = 0, source.read(size)
    while True:
        following = source.read(size)
        yield number, piece, not following
        if not following:
            return
        number, piece = number + 1, following
