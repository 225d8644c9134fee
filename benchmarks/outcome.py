"""What came of one workload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .bars import Verdict
from .summary import Summary
from .workloads import LIMITS, OURS, WRK, Workload


@dataclass(frozen=True)
class Outcome:
    """The contenders of a workload, measured.

    Attributes
    ----------
    workload : Workload
        The workload.
    row : Mapping[str, Summary]
        Who has run, by name.
    failures : Mapping[str, str]
        Who has failed, and how.
    """

    workload: Workload
    row: Mapping[str, Summary]
    failures: Mapping[str, str]

    def share_of_limit(self, name: str) -> float | None:
        """Return a contender's rate as a share of wrk's, None where that has not run."""
        return self.row[name].rate / self.row[WRK].rate if WRK in self.row else None

    def times_best_rival(self, name: str) -> float | None:
        """Return a contender's rate over the highest of its rivals, None if there is no rival."""
        rivals = [row.rate for rival, row in self.row.items() if rival not in (*OURS, *LIMITS)]
        return self.row[name].rate / max(rivals) if rivals else None

    def verdicts(self) -> Sequence[Verdict]:
        """Return how objectpipes compares with the bars, as far as that was measured."""
        ours = self.row.get(self.workload.judged)
        if ours is None:
            return []
        verdicts = (bar.judge(ours, self.row) for bar in self.workload.bars)
        return [verdict for verdict in verdicts if verdict is not None]
