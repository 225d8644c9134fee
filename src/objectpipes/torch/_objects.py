"""Datasets whose samples are objects."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal

from torch.utils.data import Dataset

from .. import _timing
from .._checks import check_flag, check_seed
from .._permutation import Permutation
from .._store import Store
from ..errors import ObjectStoreError
from ..iter._hand_over import hand_over_through_shared_memory
from ._dataset import Order, ResumableDataset, check_manifest, transformed
from ._reading import read_in_order

if TYPE_CHECKING:
    from .. import _ext
    from .._connection import StoreConfig
    from ..manifest import Manifest

__all__ = ["ObjectDataset", "ObjectMapDataset"]


class ObjectMapDataset(Dataset[Any]):
    """The objects of a manifest by their number, for any sampler.

    A ``DataLoader`` asks for a whole batch at once, and the engine reads its objects at once.

    Parameters
    ----------
    manifest : Manifest
        The objects.
    transform : callable, optional
        Makes a sample of an `ObjectReader`, a binary file with ``url``. Without it, that is the
        sample, and the loader needs a ``collate_fn``, such as ``list``.
    config : S3Config or AISConfig, optional
        How to reach the store.

    Raises
    ------
    ObjectStoreError
        When a sample is asked for: its object cannot be read.
    TransformError
        The transform raised; names the object.
    """

    def __init__(
        self,
        manifest: Manifest,
        transform: Callable[[_ext.ObjectReader], Any] | None = None,
        *,
        config: StoreConfig | None = None,
    ) -> None:
        check_manifest(manifest)
        self.manifest = manifest
        self.transform = transform
        self.config = config

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indexes: list[int]) -> list[Any]:
        """Return the samples of a batch."""
        if not indexes:
            return []
        urls = [self.manifest[index] for index in indexes]
        samples = []
        reads = _read(urls, urls[0], self.config)
        with closing(reads), closing(_timing.timed(reads)) as outcomes:
            for url, outcome in zip(urls, outcomes, strict=True):
                if isinstance(outcome, ObjectStoreError):
                    raise outcome
                samples.append(transformed(self.transform, outcome, url.__str__))
        return samples


class ObjectDataset(ResumableDataset):
    """The objects of a manifest in one order for all ranks and workers, resumable anywhere.

    The order follows from ``seed`` and epoch. It is cut into global batches of ``batch_size`` x
    ranks, each of these by rank, and a rank's batches are dealt to its workers in turn: so the
    sequence of global batches is the same for any number of workers, and for any number of ranks
    with the same global batch. Objects are read ahead.

    Its state is small, leads back to the very sample without reading what came before, and can be
    merged for another number of ranks or workers (`merge_states`). A ``StatefulDataLoader`` picks
    it up; `loader` makes the loader that fits.

    Parameters
    ----------
    manifest : Manifest
        The objects; the same on all ranks.
    transform : callable, optional
        Makes a sample of an `ObjectReader`, a binary file with ``url``.
    batch_size : int
        Of a rank; also that of the loader.
    shuffle : bool, optional
        Whether each epoch has an order of its own, else that of the manifest.
    seed : int, optional
        Of the shuffled orders; the same on all ranks.
    uneven : {"drop", "pad", "keep"}, optional
        What becomes of the last, incomplete global batch: it is left out, or filled from the start
        of the epoch's order, or delivered, so that ranks may differ by a batch or its size.
    on_error : {"raise", "skip"}, optional
        ``"skip"`` logs an object that cannot be read and counts it in `skipped`. The readable one
        before it in its rank's batch takes its place, else the next one; a batch with none raises.
        With ``uneven="keep"`` it is left out, and later samples move up.
    config : S3Config or AISConfig, optional
        How to reach the store.
    rank, ranks : int, optional
        Of the processes that share an epoch; else those of ``torch.distributed``, or of ``RANK``
        and ``WORLD_SIZE``. Given where several processes need the same data.

    Raises
    ------
    ConfigError
        An option can never work, or the manifest is empty; when iterating, with ``"drop"``, there
        are fewer objects than ranks.
    ObjectStoreError
        When iterating: an object cannot be read, or is not the one that was listed.
    TransformError
        The transform raised; names the object.

    Examples
    --------
    >>> dataset = ObjectDataset(manifest, decode, batch_size=64, shuffle=True)
    >>> loader = dataset.loader(num_workers=4)
    >>> for epoch in range(10):
    ...     dataset.set_epoch(epoch)
    ...     for batch in loader: ...
    """

    def __init__(
        self,
        manifest: Manifest,
        transform: Callable[[_ext.ObjectReader], Any] | None = None,
        *,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        uneven: Literal["drop", "pad", "keep"] = "drop",
        on_error: Literal["raise", "skip"] = "raise",
        config: StoreConfig | None = None,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> None:
        check_manifest(manifest)
        seed = check_seed(seed)
        shuffle = check_flag("shuffle", shuffle)
        super().__init__(
            len(manifest),
            {"manifest": manifest.fingerprint, "seed": seed if shuffle else None},
            transform,
            batch_size=batch_size,
            uneven=uneven,
            on_error=on_error,
            rank=rank,
            ranks=ranks,
        )
        self.manifest = manifest
        self.shuffle = shuffle
        self.seed = seed
        self.config = config

    def _order(self, epoch: int) -> Order:
        if not self.shuffle:
            return range(self._samples)
        return Permutation(self._samples, "epoch", self.seed, epoch)

    def _read(
        self, numbers: Iterator[int]
    ) -> Generator[_ext.ObjectReader | ObjectStoreError, None, None]:
        urls = map(self.manifest.__getitem__, numbers)
        return _read(urls, self.manifest[0], self.config)

    def _url(self, number: int) -> str:
        return self.manifest[number]


def _read(
    urls: Iterable[str], example: str, config: StoreConfig | None
) -> Generator[_ext.ObjectReader | ObjectStoreError, None, None]:
    hand_over_through_shared_memory()
    yield from read_in_order(urls, Store.of(example, config))
