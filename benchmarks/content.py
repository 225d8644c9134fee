"""What the objects consist of."""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Mapping

_SAMPLE = 16
_BLOCK = 1 << 20  # bytes; sizes are multiples of it, or smaller


def keys(prefix: str, count: int) -> list[str]:
    """Return the keys of `count` objects under a prefix, in order."""
    return [f"{prefix}{number:06d}" for number in range(count)]


def content(key: str, size: int) -> bytes:
    """Return the content of an object: arbitrary bytes, always the same."""
    generator = random.Random(key)
    return b"".join(generator.randbytes(min(size, _BLOCK)) for _ in range(0, size, _BLOCK))


@functools.cache
def sample_digests(prefix: str, count: int, size: int) -> Mapping[str, str]:
    """Return the SHA-256 of the first objects of these, in hexadecimal, by key."""
    sample = keys(prefix, count)[:_SAMPLE]
    return {key: hashlib.sha256(content(key, size)).hexdigest() for key in sample}
