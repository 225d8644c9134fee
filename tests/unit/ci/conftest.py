"""What tests of programs in ci/ share: a small wheel, compiled here, and namespaces to work in."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from packageurl import PackageURL

from ci.artifacts.sbom import Library, add_to_wheel
from ci.command import run

METADATA = """\
Metadata-Version: 2.4
Name: objectpipes
Version: 0.1.0
Summary: A wheel for tests
License-Expression: MIT
License-File: LICENSE
Description-Content-Type: text/markdown

# objectpipes
"""

WHEEL = """\
Wheel-Version: 1.0
Generator: tests
Root-Is-Purelib: false
Tag: cp311-cp311-{platform}
"""


@pytest.fixture
def compile_extension(tmp_path: Path) -> Callable[..., bytes]:
    """Return a function from C source and compiler flags to a shared object."""

    def compile_(source: str, *flags: str) -> bytes:
        output = tmp_path / "_ext.so"
        command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(output), *flags]
        subprocess.run(command, input=source, text=True, check=True)
        return output.read_bytes()

    return compile_


@pytest.fixture
def library(tmp_path: Path) -> Callable[[str, str], Library]:
    """Return a function from name and version to a library for the bill of materials."""

    def make(name: str, version: str) -> Library:
        text = tmp_path / f"{name}.txt"
        text.write_text(f"licence of {name}\n")
        return Library(name, version, "MIT", text, PackageURL("generic", None, name, version))

    return make


@pytest.fixture
def make_wheel(
    tmp_path: Path,
    compile_extension: Callable[..., bytes],
    library: Callable[[str, str], Library],
) -> Callable[..., Path]:
    """Return a function that makes a wheel, of an extension of one symbol if not told otherwise."""

    def make(
        *,
        platform: str = "manylinux_2_28_x86_64",
        linked: dict[str, str] | None = None,
        files: dict[str, str] | None = None,
    ) -> Path:
        tree = tmp_path / "objectpipes-0.1.0"
        dist_info = "objectpipes-0.1.0.dist-info"
        contents = {
            "objectpipes/__init__.py": "from objectpipes import _ext\n",
            f"{dist_info}/METADATA": METADATA,
            f"{dist_info}/WHEEL": WHEEL.format(platform=platform),
            f"{dist_info}/licenses/LICENSE": "MIT\n",
        }
        for name, text in (contents | (files or {})).items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        extension = compile_extension("void* PyInit__ext(void) { return 0; }")
        (tree / "objectpipes" / "_ext.so").write_bytes(extension)
        run("wheel", "pack", "--dest-dir", tmp_path, tree)
        wheel = tmp_path / f"objectpipes-0.1.0-cp311-cp311-{platform}.whl"
        if linked:
            add_to_wheel(wheel, [library(*item) for item in linked.items()])
        return wheel

    return make


@pytest.fixture
def namespaces() -> None:
    """Skip where no mount or network namespace can be made."""
    command = ["unshare", "--mount", "--net", "true"]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no namespace can be made here: {made.stderr.strip()}")
