"""A fault changes what the server answers, how the answer travels, or both."""

from collections.abc import Callable

from .messages import Reply, Request
from .script import Script
from .store import Store

Serve = Callable[[Request], Reply]


class Fault:
    """Does nothing itself; subclasses override what they change."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def applies(self, request: Request) -> bool:
        """Whether this fault can affect `request`; other requests are not counted."""
        return True

    def answer(self, request: Request, serve: Serve, store: Store) -> Reply:
        """Return the reply; `serve` returns the reply without this fault."""
        return serve(request)

    def play(self, script: Script) -> Script:
        """Return the script that sends the reply, given the one without this fault."""
        return script
