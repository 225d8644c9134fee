"""Hides secrets: all errors, warnings and output pass through `redact`."""

from __future__ import annotations

import re
from string import ascii_uppercase

from ._importing import importing

_HIDDEN = "***"
# Hiding shorter texts would remove parts of ordinary sentences.
_MIN_SECRET = 8
# A piece of a secret of this length is hidden, too: a server may truncate what it repeats.
_PIECE = 12
# A process that renews credentials for months forgets those that expired long ago.
_MAX_SECRETS = 256

# A password may have any character, even "/" and "@". So everything up to the last "@" is hidden,
# except in the example in our own advice.
_USER_INFO = re.compile(
    r"\b((?:https?|socks\w*)://)(?!user:password@host:port)[^\s'\"<>]*@", re.IGNORECASE
)
# Other URLs have a password only in front of their first "/": a key may have ":" and "@".
_OTHER_USER_INFO = re.compile(
    r"\b(?!https?:|socks)([a-z][a-z\d+.-]*://)[^\s'\"<>/?#:@]*:[^\s'\"<>/]*@", re.IGNORECASE
)
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic) +[\w.~+/=-]{8,}")
_SIGNATURE = re.compile(r"\b((?:X-Amz-)?(?:Signature|Security-Token)=)[^&\s'\"<>,]+", re.IGNORECASE)

# A server may change the case of what it repeats. The other characters keep their places.
_LOWER = {ord(letter): letter.lower() for letter in ascii_uppercase}

# By secret: its pieces in lower case, all of one length. Each access is one atomic operation.
_secrets: dict[str, frozenset[str]] = {}


def keep_secret(*secrets: str | None) -> None:
    """Make `redact` hide these texts, also in the forms in which servers repeat them.

    None, and texts of fewer than 8 characters, are ignored.
    """
    with importing:
        import base64
        from urllib.parse import quote, unquote

    for secret in secrets:
        if secret is None or len(secret) < _MIN_SECRET:
            continue
        size = min(_PIECE, len(secret))
        forms = {secret, quote(secret, safe=""), quote(secret), unquote(secret)}
        bytes_of = secret.encode("utf-8", "surrogatepass")
        forms |= {bytes_of.hex(), base64.b64encode(bytes_of).decode()}
        pieces = frozenset(
            form[at : at + size].translate(_LOWER)
            for form in forms
            for at in range(len(form) - size + 1)
        )
        _secrets.pop(secret, None)
        _secrets[secret] = pieces  # the newest is the last
        for oldest in list(_secrets)[:-_MAX_SECRETS]:
            _secrets.pop(oldest, None)


def redact(text: str) -> str:
    """Return a text with ``***`` in place of secrets of this process, and passwords in URLs."""
    text = without_password(text)
    text = _AUTHORIZATION.sub(rf"\1 {_HIDDEN}", text)
    text = _SIGNATURE.sub(rf"\1{_HIDDEN}", text)
    for pieces in list(_secrets.values()):
        text = _without(text, pieces)
    return text


def without_password(text: str) -> str:
    """Return a text without the passwords in its URLs."""
    text = _USER_INFO.sub(rf"\1{_HIDDEN}@", text)
    return _OTHER_USER_INFO.sub(rf"\1{_HIDDEN}@", text)


def _without(text: str, pieces: frozenset[str]) -> str:
    """Replace each run of characters that overlapping pieces cover."""
    size = len(next(iter(pieces)))
    kept: list[str] = []
    lower = text.translate(_LOWER)
    end = -1  # the end of the last run
    for at in range(len(text) - size + 1):
        if lower[at : at + size] in pieces:
            if at > end:
                kept += (text[max(end, 0) : at], _HIDDEN)
            end = at + size
    return "".join(kept) + text[max(end, 0) :]
