"""Errors of servers that cannot run."""


class ServerUnavailable(Exception):  # noqa: N818 - a state of the machine, not a fault
    """The server is not available on this machine; tests that need it are reported as not run.

    Parameters
    ----------
    name : str
        The server.
    reason : str
        What is missing, and what to do about it.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.name} is not available: {self.reason}"


class ServerStartError(Exception):
    """The server was started but did not become ready.

    Parameters
    ----------
    name : str
        The server.
    reason : str
        What happened.
    log_tail : str
        The last lines of the output of its programs.
    """

    def __init__(self, name: str, reason: str, log_tail: str) -> None:
        super().__init__(name, reason, log_tail)
        self.name = name
        self.reason = reason
        self.log_tail = log_tail

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}\n{self.log_tail}"
