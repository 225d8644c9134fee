"""Tokens as AIStore's AuthN service signs them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any


def sign(claims: Mapping[str, Any], key: str) -> str:
    """Return a JSON Web Token, signed with HS256 (RFC 7515)."""
    header = {"alg": "HS256", "typ": "JWT"}
    text = b".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.digest(key.encode(), text, hashlib.sha256)
    return (text + b"." + _encode(signature)).decode()


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
