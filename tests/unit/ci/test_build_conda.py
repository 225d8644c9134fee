"""What the conda package is built against, and that no older package is taken for it."""

from pathlib import Path

import pytest

from ci.artifacts import build_conda
from ci.artifacts.files import AWS_SDK, CONDA, STAND_INS
from ci.local import stand_ins
from ci.local.aws_sdk import AwsSdk
from ci.table.platforms import read_table


class Builds:
    """Stands in for both ways to build, and notes what was asked of them."""

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.sdks: list[AwsSdk | None] = []

    def with_conda_forge(self, pythons: list[str], output: Path) -> None:
        rows = read_table().built_by("rattler-build")
        assert pythons in [row.python for row in rows]
        self.folders.append(output)

    def with_stand_ins(self, output: Path, sdk: AwsSdk | None = None) -> None:
        self.folders.append(output)
        self.sdks.append(sdk)


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Builds:
    """Return what is called in place of a build."""
    builds = Builds()
    monkeypatch.setattr(build_conda, "build_with_conda_forge", builds.with_conda_forge)
    monkeypatch.setattr(build_conda, "build_with_stand_ins", builds.with_stand_ins)
    return builds


@pytest.mark.parametrize(
    ("reachable", "options", "channel"),
    [(True, [], CONDA), (False, [], STAND_INS), (True, ["--stand-ins"], STAND_INS)],
)
def test_conda_forge_is_taken_where_it_can_be_reached(
    builds: Builds,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    reachable: bool,
    options: list[str],
    channel: str,
) -> None:
    monkeypatch.setattr(build_conda, "is_reachable", lambda channel: reachable)
    assert build_conda.main([*options, "--output", str(tmp_path)]) == 0
    assert builds.folders == [tmp_path / channel]


def test_an_aws_sdk_becomes_a_stand_in(
    builds: Builds, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sdk = AwsSdk(tmp_path / "sdk", "1.11.332", "0.26.9", "libstdc++")
    monkeypatch.setattr(build_conda, "read_aws_sdk", lambda prefix: sdk)
    monkeypatch.setattr(build_conda, "is_reachable", lambda channel: True)
    assert build_conda.main(["--aws-sdk", "sdk", "--output", str(tmp_path)]) == 0
    assert builds.folders == [tmp_path / AWS_SDK / STAND_INS]
    assert builds.sdks == [sdk]


def test_a_folder_without_an_aws_sdk_is_named(
    builds: Builds, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build_conda.main(["--aws-sdk", str(tmp_path)])
    assert f"{tmp_path} holds no libaws-cpp-sdk-core.a" in capsys.readouterr().err
    assert not builds.folders


def test_a_channel_that_does_not_answer_is_not_reachable() -> None:
    assert not build_conda.is_reachable("http://127.0.0.1:9/channel/", timeout=1)


@pytest.mark.parametrize("way", ["conda-forge", "stand-ins"])
def test_every_build_has_a_cache_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    caches: list[str] = []

    def note(*command: object, env: dict[str, str], **options: object) -> None:
        assert "ci.artifacts.conda_package" in command
        caches.append(env["RATTLER_CACHE_DIR"])

    async def install_nothing(prefix: Path) -> None:
        pass

    monkeypatch.setattr(build_conda, "run", note)
    monkeypatch.setattr(build_conda, "run_sealed", note)
    monkeypatch.setattr(build_conda, "_install_pins", install_nothing)
    monkeypatch.setattr(stand_ins, "make_channel", lambda: tmp_path)
    monkeypatch.setattr(stand_ins, "pins", lambda *, aws_transport: "")
    for _ in range(2):
        if way == "conda-forge":
            build_conda.build_with_conda_forge(["3.11"], tmp_path)
        else:
            build_conda.build_with_stand_ins(tmp_path)
    assert len(set(caches)) == 2
    assert not any(Path(cache).exists() for cache in caches)
