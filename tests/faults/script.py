"""How a reply is sent: steps that faults rearrange."""

import abc
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .connection import Connection
from .messages import Reply


class Step(abc.ABC):
    """One action on the connection."""

    @abc.abstractmethod
    def run(self, connection: Connection) -> bool:
        """Do it; return whether the connection is still open."""


@dataclass(frozen=True)
class Data(Step):
    """Send bytes: at once, or at `rate` bytes per second."""

    data: bytes | memoryview
    rate: float | None = None

    def run(self, connection: Connection) -> bool:
        if self.rate is None:
            connection.send(self.data)
            return True
        size = max(1, int(self.rate / 50))
        for begin in range(0, len(self.data), size):
            piece = self.data[begin : begin + size]
            connection.send(piece)
            connection.wait(len(piece) / self.rate)
        return True


@dataclass(frozen=True)
class Pause(Step):
    """Send nothing for some seconds; for None, until the client goes away."""

    seconds: float | None

    def run(self, connection: Connection) -> bool:
        connection.wait(self.seconds)
        return True


class AwaitRequest(Step):
    """Read the next request and forget it."""

    def run(self, connection: Connection) -> bool:
        connection.read_head()
        return True


class Close(Step):
    """End the connection in order."""

    def run(self, connection: Connection) -> bool:
        connection.close()
        return False


class Cut(Step):
    """End the connection with FIN, and in TLS without close_notify."""

    def run(self, connection: Connection) -> bool:
        connection.cut()
        return False


class Reset(Step):
    """End the connection with RST."""

    def run(self, connection: Connection) -> bool:
        connection.reset()
        return False


@dataclass(frozen=True)
class Script:
    """The steps for the head of a reply, then for its body, until the connection ends."""

    head: Sequence[Step]
    body: Sequence[Step]

    @classmethod
    def of(cls, reply: Reply, *, head_only: bool) -> "Script":
        """Return the script that sends `reply` without faults."""
        body = () if head_only or not reply.body else (Data(reply.body),)
        return cls((Data(reply.head()),), body)

    def with_body(self, *steps: Step) -> "Script":
        """Return the script with another body."""
        return dataclasses.replace(self, body=steps)

    def insert(self, offset: int, step: Step) -> "Script":
        """Return the script with `step` done when `offset` bytes of the body have been sent.

        A negative offset counts from the end; one beyond the body is its end. What has been
        inserted there before is done first.
        """
        size = sum(len(part.data) for part in self.body if isinstance(part, Data))
        before, after = _split(self.body, max(0, size + offset) if offset < 0 else offset)
        return self.with_body(*before, step, *after)

    def run(self, connection: Connection) -> bool:
        """Carry it out; return whether the connection is still open."""
        return all(step.run(connection) for step in (*self.head, *self.body))


def _split(steps: Iterable[Step], offset: int) -> tuple[list[Step], list[Step]]:
    before: list[Step] = []
    after: list[Step] = []
    for step in steps:
        if not isinstance(step, Data):
            (after if after else before).append(step)
            continue
        taken = min(offset, len(step.data))
        offset -= taken
        for part, side in ((step.data[:taken], before), (step.data[taken:], after)):
            if part:
                side.append(dataclasses.replace(step, data=part))
    return before, after
