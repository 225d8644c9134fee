"""What the names of artifacts say, and their rows in the platform table."""

from pathlib import Path

import pytest

from ci.artifacts.files import UnknownArtifactError, built_files, describe, row_of
from ci.table.platforms import read_table

WHEEL = "objectpipes-0.1.0-cp313-cp313t-manylinux_2_28_x86_64.whl"
CONDA = "objectpipes-0.1.0dev20261122-py311h327343a_0.conda"


@pytest.mark.parametrize(
    ("path", "described"),
    [
        (f"dist/{WHEEL}", ("wheel", "manylinux_2_28_x86_64", "3.13t", "0.1.0")),
        (f"dist/conda/linux-64/{CONDA}", ("conda", "linux-64", "3.11", "0.1.0.dev20261122")),
        ("dist/objectpipes-0.1.0.tar.gz", ("sdist", "any", "", "0.1.0")),
        ("objectpipes-0.1.0-cp311-cp311-linux_x86_64.whl", ("sdist", "any", "3.11", "0.1.0")),
        (
            "objectpipes-0.1.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
            ("wheel", "manylinux_2_28_x86_64", "3.11", "0.1.0"),
        ),
    ],
)
def test_the_name_tells_all(path: str, described: tuple[str, ...]) -> None:
    built = describe(Path(path))
    assert (built.channel, built.platform, built.python, built.version) == described


@pytest.mark.parametrize("name", ["matrix.md", "notes.tar.gz", "wheel.whl"])
def test_other_files_are_refused(name: str) -> None:
    with pytest.raises(UnknownArtifactError, match=Path(name).stem):
        describe(Path("dist", name))


def test_a_wheel_of_the_same_name_has_a_row_by_who_built_it() -> None:
    wheel = describe(Path("objectpipes-0.1.0-cp311-cp311-manylinux_2_28_x86_64.whl"))
    table = read_table()
    assert row_of(wheel, table).builder == "scripts/build-wheel"
    assert row_of(wheel, table, official=True).builder == "cibuildwheel"


@pytest.mark.parametrize("glibc", ["2_28", "2_36"])
def test_a_wheel_with_an_aws_sdk_has_a_row_by_its_folder(glibc: str) -> None:
    wheel = f"objectpipes-0.1.0-cp311-cp311-manylinux_{glibc}_x86_64.whl"
    row = row_of(describe(Path("dist", "aws-sdk", wheel)), read_table())
    assert not row.runner, "it is never published"
    assert row.builder == "scripts/build-wheel --aws-sdk"
    assert row.transports == ["http", "aws"]


def test_a_wheel_without_an_aws_sdk_is_of_one_glibc() -> None:
    wheel = describe(Path("dist", "objectpipes-0.1.0-cp311-cp311-manylinux_2_36_x86_64.whl"))
    with pytest.raises(UnknownArtifactError, match="manylinux_2_36"):
        row_of(wheel, read_table())


def test_a_conda_package_has_a_row_by_what_it_was_built_against() -> None:
    table = read_table()
    for folder, row in {
        "conda": "conda-linux-64",
        "stand-ins": "local-conda-linux-64",
        "aws-sdk/stand-ins": "local-conda-linux-64-aws",
    }.items():
        package = describe(Path("dist", folder, "linux-64", CONDA))
        assert row_of(package, table).name == row
        assert row_of(package, table, official=True).name == row


def test_what_the_table_does_not_list_is_refused() -> None:
    wheel = describe(Path("objectpipes-0.1.0-cp39-cp39-manylinux_2_28_x86_64.whl"))
    with pytest.raises(UnknownArtifactError, match="cp39"):
        row_of(wheel, read_table())


def test_a_folder_is_searched_as_builds_leave_it(tmp_path: Path) -> None:
    channels = ("conda", "stand-ins", "aws-sdk/stand-ins")
    for channel in channels:
        (tmp_path / channel / "linux-64").mkdir(parents=True)
    for name in (WHEEL, *(f"{channel}/linux-64/{CONDA}" for channel in channels), "matrix.md"):
        (tmp_path / name).touch()
    (tmp_path / "conda" / "linux-64" / "objectpipes-consumer-0-h0_0.conda").touch()
    assert [built.channel for built in built_files(tmp_path)] == ["wheel", *["conda"] * 3]
