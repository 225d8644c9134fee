"""The base of the pipes: torch's datapipes, or our own if this torch has none."""

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
    """A base for pipes beside `IterDataPipe`, with an attribute that torch asks for each time.

    If a pipe lacks it, torch searches for it in vain, which takes a microsecond.
    """

    _is_child_datapipe = False


class PromptStreamWrapper(StreamWrapper):
    """A `StreamWrapper` with its own ``read()``, the method that everybody calls.

    `StreamWrapper` itself finds the attributes of its file only after an `AttributeError`.
    """

    def read(self, size: int | None = None, /) -> bytes:
        """Read from the file."""
        data: bytes = self.file_obj.read(size)
        return data
