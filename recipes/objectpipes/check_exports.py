"""See that the extension exports its module init only."""

from pathlib import Path

import objectpipes
from ci.local.elf import EXPORTED, exported_symbols

(extension,) = Path(objectpipes.__file__).parent.glob("_ext.*.so")
exported = exported_symbols(extension.read_bytes())
assert exported == EXPORTED, exported
