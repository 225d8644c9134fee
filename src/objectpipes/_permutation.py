"""Shuffled orders that need no table."""

from __future__ import annotations

import hashlib
import struct

_MASK = (1 << 64) - 1
# Odd constants of the SplitMix64 generator, which mixes well with two multiplications.
_FACTOR_1 = 0xBF58476D1CE4E5B9
_FACTOR_2 = 0x94D049BB133111EB
# With halves of fewer than four bits, some orders of few items would be more likely than others.
_MIN_BITS = 8


class Permutation:
    """A pseudorandom order of ``range(size)``, computed item by item in constant memory.

    A Feistel network permutes the numbers below a power of two. A result that is too large is
    permuted again until it fits ("cycle walking"): less than once on average, or a few times if
    there are few items.

    Keys with the same ``repr`` give the same order on every machine and in every version of Python.
    """

    def __init__(self, size: int, *key: object) -> None:
        digest = hashlib.blake2b(repr(key).encode(), digest_size=64).digest()
        keys = struct.unpack("<8Q", digest)
        self._rounds = tuple(zip(keys[::2], keys[1::2], strict=True))
        bits = max((size - 1).bit_length(), _MIN_BITS)
        self._low_bits = bits // 2
        self._low_mask = (1 << self._low_bits) - 1
        self._high_mask = (1 << (bits - self._low_bits)) - 1
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self._size:
            raise IndexError(index)
        low_bits, low_mask, high_mask = self._low_bits, self._low_mask, self._high_mask
        while True:
            high, low = index >> low_bits, index & low_mask
            for key_1, key_2 in self._rounds:
                mixed = (low ^ key_1) * _FACTOR_1 & _MASK
                mixed = (mixed ^ mixed >> 31) * _FACTOR_2 & _MASK
                high ^= mixed >> 32 & high_mask
                mixed = (high ^ key_2) * _FACTOR_1 & _MASK
                mixed = (mixed ^ mixed >> 31) * _FACTOR_2 & _MASK
                low ^= mixed >> 32 & low_mask
            index = high << low_bits | low
            if index < self._size:
                return index
