"""What a fault is: a change to what the server answers, to how the answer travels, or to both."""

from collections.abc import Callable

from .messages import Reply, Request
from .script import Script
from .store import Store

Serve = Callable[[Request], Reply]


class Fault:
    """Does nothing by itself; kinds override what they change."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def applies(self, request: Request) -> bool:
        """Whether this fault has a meaning for `request`; others are neither struck nor counted."""
        return True

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        """Return the reply; `serve` gives the one there would be without this fault."""
        return serve(request)

    def play(self, script: Script) -> Script:
        """Return the way the reply travels, given the way it would without this fault."""
        return script
