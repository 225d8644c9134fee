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


class ObjectMapDataset(Dataset[Any]):
    """The objects of a manifest by number, for use with any sampler.

    A ``DataLoader`` asks for a whole batch, and the engine reads the objects of the batch in
    parallel.

    Parameters
    ----------
    manifest : Manifest
        The objects.
    transform : callable, optional
        Turns an `ObjectReader`, which is a binary file with a ``url``, into a sample. Without a
        transform, the reader is the sample, and the loader needs a ``collate_fn`` such as ``list``.
    config : S3Config or AISConfig, optional
        How to reach the store.

    Raises
    ------
    ObjectStoreError
        When a sample is requested: its object cannot be read.
    TransformError
        The transform raised an exception. The error names the object.
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
    """The objects of a manifest, in one order for all ranks and workers that can be resumed.

    ``seed`` and the epoch determine the order. The order is cut into global batches of
    ``batch_size`` x ranks samples, each global batch is cut by rank, and the batches of a rank are
    dealt to its workers in turn. So the sequence of global batches is the same for any number of
    workers, and for any number of ranks with the same global batch. Objects are read ahead.

    The state is small. A run that resumes from it continues at the next sample and does not read
    earlier ones again. `merge_states` makes a state for another number of ranks or workers. A
    ``StatefulDataLoader`` saves and loads the state; `loader` makes one with the right options.

    Parameters
    ----------
    manifest : Manifest
        The objects; the same on all ranks.
    transform : callable, optional
        Turns an `ObjectReader`, which is a binary file with a ``url``, into a sample.
    batch_size : int
        Samples in a batch of one rank; also the batch size of the loader.
    shuffle : bool, optional
        True: each epoch has an order of its own. False: every epoch has that of the manifest.
    seed : int, optional
        Seed of the shuffled orders; the same on all ranks.
    uneven : {"drop", "pad", "keep"}, optional
        How to treat the last, incomplete global batch. ``"drop"`` leaves it out. ``"pad"`` fills it
        with the first samples of the epoch. ``"keep"`` delivers it, so ranks may differ by one
        batch or in the size of the last one.
    on_error : {"raise", "skip"}, optional
        ``"skip"`` logs an object that cannot be read, and counts it in `skipped`. The readable
        sample before it in its rank's batch takes its place, or else the next one. If the batch has
        no readable sample, the error is raised. With ``uneven="keep"`` nothing takes its place:
        later samples move up.
    config : S3Config or AISConfig, optional
        How to reach the store.
    rank, ranks : int, optional
        This process's rank, and how many ranks share an epoch. The default is that of
        ``torch.distributed``, or of ``RANK`` and ``WORLD_SIZE``. Set them if several processes need
        the same data, as with model parallelism.

    Raises
    ------
    ConfigError
        An option can never work, or the manifest is empty. When iterating with ``"drop"``: there
        are fewer objects than ranks.
    ObjectStoreError
        When iterating: an object cannot be read, or is not the one that was listed.
    TransformError
        When iterating: the transform raised an exception. The error names the object.

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
