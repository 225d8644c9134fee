"""torchdata 0.9, the last release that has datapipes.

It lies beside the environment, because the datasets are tested with a newer one in it.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "torchdata-0.9"  # where scripts/setup puts it

# torch got what it imports after 2.1, for which the last torchdata is 0.7.1.
needs_newer_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch.utils._import_utils") is None,
    reason="torchdata 0.9 needs a newer torch",
)
