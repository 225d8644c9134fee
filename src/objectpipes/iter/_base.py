"""What the pipes stand on: torch's datapipes, or the few of our own where torch has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.utils.data import IterDataPipe
    from torch.utils.data.datapipes.utils.common import (
        StreamWrapper,
        validate_pathname_binary_tuple,
    )
else:
    try:
        from torch.utils.data import IterDataPipe
        from torch.utils.data.datapipes.utils.common import (
            StreamWrapper,
            validate_pathname_binary_tuple,
        )
    except ImportError:
        from ._own_pipes import IterDataPipe, StreamWrapper, validate_pathname_binary_tuple

__all__ = [
    "IterDataPipe",
    "OurPipe",
    "PromptStreamWrapper",
    "StreamWrapper",
    "validate_pathname_binary_tuple",
]


class OurPipe:
    """A base for pipes, beside `IterDataPipe`, which has what torch asks every pipe for each item.

    Torch searches a pipe that lacks it in vain, which takes a microsecond.
    """

    _is_child_datapipe = False


class PromptStreamWrapper(StreamWrapper):
    """A `StreamWrapper` that has the method which everybody calls.

    `StreamWrapper` itself finds each attribute of its file by way of an `AttributeError`.
    """

    def read(self, size: int | None = None, /) -> bytes:
        """Read from the file."""
        data: bytes = self.file_obj.read(size)
        return data
