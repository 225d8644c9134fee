"""An S3 server and a TCP proxy that fail exactly as configured; see README.md."""

from . import kinds, stream
from .fault import Fault
from .messages import Request
from .proxy import FaultProxy
from .server import FaultServer
from .store import StoredObject

__all__ = [
    "Fault",
    "FaultProxy",
    "FaultServer",
    "Request",
    "StoredObject",
    "kinds",
    "stream",
]
