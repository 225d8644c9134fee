"""A wheel has all it needs: it loads no library of the system but the C library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from artifact.expected import Expected

# What a manylinux wheel may take from the system (PEP 600).
_LIBRARIES_OF_SYSTEMS = (
    *("libc.", "libm.", "ld-linux", "libpthread.", "libdl.", "librt."),
    *("libstdc++.", "libgcc_s."),
)


@pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="only Linux shows what a process has loaded"
)
def test_no_library_of_the_system_is_loaded(expected: Expected) -> None:
    if not expected.vendored:
        pytest.skip("this artifact takes its libraries from the system")
    code = (
        "from pathlib import Path\n"
        "from objectpipes import _engine\n"
        "def loaded():\n"
        "    lines = Path('/proc/self/maps').read_text().splitlines()\n"
        "    return {line.split(maxsplit=5)[5] for line in lines if '.so' in line}\n"
        "before = loaded()\n"
        "own = _engine.ext.__file__\n"
        "print(*(loaded() - before - {own}), sep='\\n')\n"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    # Python has modules of its own there.
    loaded = {
        path.name for file in printed.split() if "lib-dynload" not in (path := Path(file)).parts
    }
    assert {name for name in loaded if not name.startswith(_LIBRARIES_OF_SYSTEMS)} == set()
