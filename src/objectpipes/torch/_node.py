"""A dataset as a source node of torchdata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torchdata.nodes import BaseNode

from ._dataset import ResumableDataset


class ObjectNode(BaseNode):  # type: ignore[misc, unused-ignore]
    """A ``torchdata.nodes.BaseNode`` that yields a dataset's samples one by one, with its state.

    Parameters
    ----------
    dataset : ObjectDataset or ShardDataset
        The dataset to read.

    Examples
    --------
    >>> node = torchdata.nodes.Batcher(ObjectNode(dataset), dataset.batch_size)
    >>> loader = torchdata.nodes.Loader(node)
    """

    def __init__(self, dataset: ResumableDataset) -> None:
        super().__init__()
        self.dataset = dataset
        self._samples: Iterator[Any] = iter(())

    def reset(self, initial_state: dict[str, Any] | None = None) -> None:
        """Begin an iteration, or continue where a state was saved."""
        super().reset(initial_state)
        if initial_state is not None:
            self.dataset.load_state_dict(initial_state)
        self._samples = iter(self.dataset)

    def next(self) -> Any:
        """Return the next sample."""
        return next(self._samples)

    def get_state(self) -> dict[str, Any]:
        """Return the dataset's state."""
        return self.dataset.state_dict()
