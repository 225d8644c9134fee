"""What a client process is told, and what it tells."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from typing_extensions import Self

from .content import keys
from .store import Store

Task = Literal["read", "stream", "load", "members", "list"]


@dataclass(frozen=True)
class Job:
    """What a client process is to do.

    Attributes
    ----------
    contender : str
        Its name in the table.
    task : str
        Which of its methods to measure.
    concurrency : int or None
        Objects to request at once; None: as the contender likes.
    store : Store
        Where the objects are.
    prefix : str
        What their keys begin with; `keys` makes the keys.
    count : int
        How many objects there are.
    size : int
        Bytes of each.
    digests : Mapping[str, str]
        SHA-256 of some of them, in hexadecimal, by key.
    seconds : float
        Measure at least so long.
    objects : int
        Measure at least so many.
    cold : bool
        Measure one pass over all objects, the first thing that the process does.
    ca_file : str or None
        PEM file of the only authority that the process is to trust; None: what the machine trusts.
    """

    contender: str
    task: Task
    concurrency: int | None
    store: Store
    prefix: str
    count: int
    size: int
    digests: Mapping[str, str]
    seconds: float
    objects: int
    cold: bool = False
    ca_file: str | None = None

    @property
    def keys(self) -> list[str]:
        """The keys of all objects, in order."""
        return keys(self.prefix, self.count)

    def to_json(self) -> str:
        """Return the job as JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` has written."""
        fields = json.loads(text)
        return cls(**{**fields, "store": Store(**fields["store"])})


@dataclass(frozen=True)
class Measurement:
    """What a client process has measured, once it was warm.

    Attributes
    ----------
    objects : int
        Objects read, or names listed.
    seconds : float
        How long that took.
    cpu_seconds : float
        Processor time of the client, its threads and its workers.
    all_objects : int
        Objects read, those to get warm included.
    requests : int or None
        Requests made for `all_objects`; None where nobody counts them.
    peak_rss, rss_over_start : int or None
        Memory of its largest process in bytes: the most there was, and how much more that was than
        before the first read.
    first_seconds : float or None
        Of a cold pass: from its beginning to the first object.
    switches : int or None
        Context switches of the client, its threads and its workers.
    system_calls : int or None
        Of the client and its threads, where somebody counts them.
    """

    objects: int
    seconds: float
    cpu_seconds: float
    all_objects: int
    requests: int | None = None
    peak_rss: int | None = None
    rss_over_start: int | None = None
    first_seconds: float | None = None
    switches: int | None = None
    system_calls: int | None = None

    @property
    def rate(self) -> float:
        """Objects per second."""
        return self.objects / self.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of processor time per object."""
        return self.cpu_seconds / self.objects * 1e6
