"""Airtel Money's cryptography: the PIN in RSA, a message's signature, a callback's hash.

Source: Airtel's developer pages and samples, as collected in the project's wire facts, sections
4.4 to 4.6. PKCS#1 v1.5 and a 1024-bit key are what Airtel prescribes, not what we would choose.
"""

from __future__ import annotations

import binascii
import hmac
import json
import secrets
from base64 import b64decode, b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_der_public_key

_BLOCK_BITS = 128
# What has to be encrypted fits into no shorter one.
_KEY_BITS_MIN = 1024


def wire_json(body: dict[str, Any]) -> bytes:
    """A body as it is sent and signed: JSON without blanks, in the order given."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    # Half a surrogate pair, which JSON can hold, must not raise.
    return text.encode(errors="surrogatepass")


def read_public_key(text: str) -> RSAPublicKey:
    """Airtel's key: base64 of a DER SubjectPublicKeyInfo. Raises ValueError for any other text."""
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise ValueError("no public key") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _KEY_BITS_MIN:
        raise ValueError("no RSA key of 1024 bits or more")
    return key


def encrypted_pin(pin: str, key: RSAPublicKey) -> str:
    """The merchant's PIN as a payout carries it: base64 of RSA PKCS#1 v1.5; new every time."""
    return b64encode(key.encrypt(pin.encode(), PKCS1v15())).decode()


def signed(body: bytes, key: RSAPublicKey) -> dict[str, str]:
    """The headers `x-signature` and `x-key` for these bytes, under a fresh AES key and IV."""
    aes_key, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    secret = f"{b64encode(aes_key).decode()}:{b64encode(iv).decode()}"
    return {
        "x-signature": signature(body, aes_key, iv),
        "x-key": b64encode(key.encrypt(secret.encode(), PKCS1v15())).decode(),
    }


def signature(body: bytes, aes_key: bytes, iv: bytes) -> str:
    """Base64 of AES-256-CBC with PKCS#7 padding over exactly these bytes."""
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(body) + padder.finalize()
    encryptor = Cipher(algorithms.AES(aes_key), modes.CBC(iv)).encryptor()
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def callback_hash(text: bytes, secret: str) -> str:
    """Base64 of HMAC-SHA256 over `text`, under the private key of the portal's settings."""
    return b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()


def is_rightly_hashed(callback: dict[str, Any], secret: str) -> bool:
    """Whether a callback's `hash` is that of its transaction, or of all of it but the hash.

    Airtel's pages disagree on which text is hashed, so either will do.
    """
    claimed = callback.get("hash")
    if not isinstance(claimed, str):
        return False
    rest = {name: value for name, value in callback.items() if name != "hash"}
    texts = (wire_json(callback.get("transaction", {})), wire_json(rest))
    given = claimed.encode(errors="surrogatepass")
    # Both are compared, always.
    right = [hmac.compare_digest(callback_hash(text, secret).encode(), given) for text in texts]
    return any(right)
