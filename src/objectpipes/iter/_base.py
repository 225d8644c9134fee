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

__all__ = ["IterDataPipe", "StreamWrapper", "validate_pathname_binary_tuple"]
