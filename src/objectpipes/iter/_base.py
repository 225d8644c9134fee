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
    """A second base of our pipes. It has an attribute that torch looks up for each element.

    If a pipe lacks the attribute, the vain search takes a microsecond.
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
