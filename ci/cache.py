"""The cache of the programs in ci/: files that are expensive to make and safe to delete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder(name: str) -> Path:
    """Return a folder of the cache, made if need be.

    The cache is ``$OBJECTPIPES_CACHE``, by default ``~/.cache/objectpipes``.
    """
    root = Path(os.environ.get("OBJECTPIPES_CACHE") or Path.home() / ".cache" / "objectpipes")
    folder = root.absolute() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder by a file ``.lock`` in it, so that one process at a time uses it."""
    import fcntl  # not on Windows, where programs that import this module also run

    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
