"""Which fault strikes when: rules that are exact, or random with a seed; both repeat exactly."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar


class Subject(Protocol):
    """What a fault can strike: a request to the server, or a connection through the proxy."""

    @property
    def identity(self) -> str:
        """Identifies it, regardless of when it comes and what came before."""


class Applicable(Protocol):
    """The part of a fault that the plan needs."""

    def applies(self, subject: Any, /) -> bool:
        """Whether the fault has a meaning for `subject`."""


SubjectT = TypeVar("SubjectT", bound=Subject)
FaultT = TypeVar("FaultT", bound=Applicable)


class Rule(Generic[SubjectT, FaultT]):
    """One fault and when it strikes; made by `Plan.add`.

    Attributes
    ----------
    fault
        The fault.
    hits : int
        How often it has struck.
    """

    def __init__(
        self,
        fault: FaultT,
        match: Callable[[SubjectT], bool] | None,
        skip: int,
        times: int | None,
        probability: float,
        seed: str,
    ) -> None:
        self.fault = fault
        self.hits = 0
        self._match = match
        self._skip = skip
        self._times = times
        self._probability = probability
        self._seed = seed
        self._seen: Counter[str] = Counter()

    def strikes(self, subject: SubjectT) -> bool:
        """Decide whether the fault strikes `subject`, and count."""
        if self.hits == self._times or not self.fault.applies(subject):
            return False
        if self._match and not self._match(subject):
            return False
        self._seen[subject.identity] += 1
        if self._seen.total() <= self._skip or not self._drawn(subject):
            return False
        self.hits += 1
        return True

    def _drawn(self, subject: SubjectT) -> bool:
        # Drawn for each subject separately, because the order of connections must not matter.
        if self._probability >= 1:
            return True
        draw = random.Random(f"{self._seed} {subject.identity} {self._seen[subject.identity]}")
        return draw.random() < self._probability


class Plan(Generic[SubjectT, FaultT]):
    """The rules of one server or proxy; they may be changed while it runs.

    Parameters
    ----------
    seed : int
        Decides the draws of rules with a probability.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._rules: list[Rule[SubjectT, FaultT]] = []
        self._lock = threading.Lock()

    def add(
        self,
        fault: FaultT,
        *,
        match: Callable[[SubjectT], bool] | None = None,
        skip: int = 0,
        times: int | None = None,
        probability: float = 1.0,
    ) -> Rule[SubjectT, FaultT]:
        """Make `fault` strike every subject that it applies to and that `match` accepts.

        Parameters
        ----------
        fault
            The fault. Where several strike, they are combined, the one added last being outermost.
        match : callable, optional
            Accepts or declines a subject; the default accepts all.
        skip : int
            How many accepted subjects to spare first; ``skip=2, times=1`` strikes the third.
        times : int, optional
            How often to strike; the default is always.
        probability : float
            Chance of each strike, 0 to 1. The same seed, rules and subjects give the same strikes,
            in whatever order the subjects come.

        Returns
        -------
        Rule
            Its `hits` tell how often the fault has struck.
        """
        with self._lock:
            seed = f"{self._seed} {len(self._rules)}"
            rule = Rule(fault, match, skip, times, probability, seed)
            self._rules.append(rule)
            return rule

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def choose(self, subject: SubjectT) -> list[FaultT]:
        """Return the faults that strike `subject`, in the order of their rules."""
        with self._lock:
            return [rule.fault for rule in self._rules if rule.strikes(subject)]
