"""Stand-ins ask of other packages what those of conda-forge ask."""

import os
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from rattler_build import Package

from ci.local import stand_ins

METADATA = """\
Metadata-Version: 2.4
Name: some_reader
Version: 1.2
Requires-Dist: python-dateutil<3.0.0,>=2.1
Requires-Dist: tomli>=2; python_version < "3"
Requires-Dist: pytest; extra == "test"
"""

TARGETS = """\
get_filename_component(_IMPORT_PREFIX "${CMAKE_CURRENT_LIST_FILE}" PATH)
get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)
get_filename_component(_IMPORT_PREFIX "${_IMPORT_PREFIX}" PATH)
set(library "${_IMPORT_PREFIX}/lib/MULTIARCH/libx.so")
"""

# The answer without a name is the status of all packages, to a name its version.
DPKG_QUERY = """\
#!/bin/sh
for package; do :; done
case "$package" in
  --showformat=*) printf '%s\\n' 'libssl3 {old}' 'libssl3t64 {new}' \\
    'libcares2 not-installed' 'libc-ares2 installed' ;;
  *) echo 3.5.0-1 ;;
esac
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Return a wheel with a module and a header."""
    path = tmp_path / "some_reader-1.2-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        archive.writestr("some_reader.py", "")
        archive.writestr("some_reader-1.2.data/data/include/reader.h", "")
        archive.writestr("some_reader-1.2.dist-info/METADATA", METADATA)
    return path


def test_a_package_made_of_a_wheel_requires_what_the_wheel_does(
    wheel: Path, tmp_path: Path
) -> None:
    channel = tmp_path / "channel"
    channel.mkdir()
    stand_ins._repack(wheel, tmp_path / "files", channel)
    (package,) = channel.glob("noarch/*.conda")
    made = Package.from_file(package)
    assert (made.name, made.version, made.noarch) == ("some-reader", "1.2", "python")
    assert made.depends == ["python", "python-dateutil <3.0.0,>=2.1"]
    assert set(made.files) >= {
        "include/reader.h",
        "site-packages/some_reader.py",
    }


def test_versions_end_where_compatibility_does() -> None:
    assert stand_ins._upper_bound("3.0.22", 1) == "4.0a0"
    assert stand_ins._upper_bound("1.13", 2) == "1.14.0a0"
    assert stand_ins._upper_bound("0.8.1", 3) == "0.8.2.0a0"


@pytest.mark.parametrize(
    ("old", "new", "suffix"),
    [("installed", "not-installed", ""), ("config-files", "installed", "t64")],
)
def test_a_library_is_taken_by_the_name_that_it_has_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, suffix: str
) -> None:
    program = tmp_path / "dpkg-query"
    program.write_text(DPKG_QUERY.format(old=old, new=new))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(stand_ins, "_gcc_version", lambda: "12")
    found = {package.name: debian for package, debian in stand_ins._libraries()}
    assert found["openssl"] == [f"libssl3{suffix}", "libssl-dev"]
    assert found["c-ares"] == ["libc-ares2", "libc-ares-dev"]


def test_cmake_files_find_the_prefix_from_one_folder_up(tmp_path: Path) -> None:
    file = tmp_path / "x-targets.cmake"
    file.write_text(TARGETS.replace("MULTIARCH", stand_ins._MULTIARCH))
    stand_ins._move_up(file)
    assert file.read_text().count('"${_IMPORT_PREFIX}" PATH') == 1
    assert '"${_IMPORT_PREFIX}/lib/libx.so"' in file.read_text()


def test_the_system_s_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    with pytest.raises(RuntimeError, match="a Python that can be copied"):
        stand_ins.make_channel()
