"""See that the installed package is the one that conda says it is."""

import os
from importlib.metadata import version

from objectpipes import build_info

# Conda and PEP 440 spell a nightly's version with and without a dot.
assert version("objectpipes").replace(".dev", "dev") == os.environ["PKG_VERSION"]
assert build_info()["version"] == version("objectpipes")
assert build_info()["use_system_pybind11"]
