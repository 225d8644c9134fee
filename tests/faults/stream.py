"""The faults of the proxy, which strike at a certain byte of a server's stream.

Offsets count every byte the server has sent on one connection: heads, bodies, TLS records.
"""

import abc
import asyncio
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """One connection through the proxy; `number` counts them from 1."""

    number: int

    @property
    def identity(self) -> str:
        """Identifies it for a fault plan."""
        return str(self.number)


class LinkBrokenError(Exception):
    """Raised by a fault that ends the link, with RST or else with FIN."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


@dataclass(frozen=True)
class StreamFault(abc.ABC):
    """Strikes when the byte at `offset` is about to be delivered to the client."""

    offset: int

    def applies(self, link: Link) -> bool:
        """Whether this fault has a meaning for `link`: always."""
        return True

    @abc.abstractmethod
    async def strike(self, data: bytes) -> bytes:
        """Return what to deliver for `data`, which begins at `offset`, or raise LinkBrokenError."""


@dataclass(frozen=True)
class ResetAt(StreamFault):
    """RST once exactly `offset` bytes have arrived."""

    async def strike(self, data: bytes) -> bytes:
        raise LinkBrokenError(reset=True)


@dataclass(frozen=True)
class CloseAt(StreamFault):
    """FIN after `offset` bytes."""

    async def strike(self, data: bytes) -> bytes:
        raise LinkBrokenError(reset=False)


@dataclass(frozen=True)
class StallAt(StreamFault):
    """Silence after `offset` bytes, for `seconds` or until the client goes away."""

    seconds: float | None = None

    async def strike(self, data: bytes) -> bytes:
        if self.seconds is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(self.seconds)
        return data


@dataclass(frozen=True)
class BitFlip(StreamFault):
    """One flipped bit (0 to 7) in the byte at `offset`."""

    bit: int = 0

    async def strike(self, data: bytes) -> bytes:
        return bytes([data[0] ^ 1 << self.bit]) + data[1:]
