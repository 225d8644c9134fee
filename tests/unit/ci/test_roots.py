"""Roots of other systems: which wheels run in them, and that they leave nothing behind."""

import platform
import subprocess
from pathlib import Path

import pytest

from ci.artifacts.files import describe
from ci.artifacts.results import Result
from ci.local import debian, roots
from ci.local.debian import DebianError
from ci.local.roots import NoRootError, Root, roots_for, run_inside, smoke_test

AARCH64_WHEEL = describe(Path("objectpipes-0.1.0-cp311-cp311-manylinux_2_28_aarch64.whl"))
HERE = Root("here", "bookworm", platform.machine(), "3.11")
FOREIGN_ARCH = "x86_64" if platform.machine() == "aarch64" else "aarch64"


@pytest.mark.parametrize(
    ("wheel", "about"),
    [
        ("cp311-cp311-manylinux_2_28_aarch64", ["aarch64"]),
        ("cp313-cp313-manylinux_2_28_x86_64", ["glibc 2.31"]),
        ("cp313-cp313-manylinux_2_31_x86_64", ["glibc 2.31"]),
        ("cp313-cp313-manylinux_2_34_x86_64", []),
        ("cp313-cp313t-manylinux_2_28_x86_64", []),
        ("cp311-cp311-manylinux_2_28_x86_64", []),
        ("cp311-cp311-musllinux_1_2_aarch64", []),
        ("cp311-cp311-linux_aarch64", []),
    ],
)
def test_a_root_is_for_wheels_of_its_architecture_and_python(wheel: str, about: list[str]) -> None:
    built = describe(Path(f"objectpipes-0.1.0-{wheel}.whl"))
    assert [root.about for root in roots_for(built)] == about


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, Result("aarch64", "smoke.py", "passed")),
        (DebianError("no qemu"), Result("aarch64", "smoke.py", "not run", "no qemu")),
        (NoRootError("not root"), Result("aarch64", "smoke.py", "not run", "not root")),
        (
            subprocess.CalledProcessError(1, "python3"),
            Result("aarch64", "smoke.py", "failed", "it ended with 1"),
        ),
    ],
)
def test_what_cannot_be_run_has_not_failed(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, result: Result
) -> None:
    def run_smoke(*arguments: object) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(roots, "run_smoke", run_smoke)
    assert list(smoke_test(AARCH64_WHEEL)) == [result]


def test_what_the_machine_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name.startswith("qemu-") else name)
    foreign = Root("foreign", "bookworm", FOREIGN_ARCH, "3.11")
    with pytest.raises(DebianError, match=f"qemu-{FOREIGN_ARCH}-static is missing"):
        run_inside(foreign, tmp_path, "true")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NoRootError, match="only root"):
        run_inside(HERE, tmp_path, "true")


def test_an_unfinished_root_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def isolated(root: Root, *command: str | Path) -> None:
        ran.append(str(command[0]))
        if command[0] == "debootstrap":
            (tmp_path / "unfinished").mkdir()
            if len(ran) == 1:
                raise subprocess.CalledProcessError(1, "debootstrap")

    monkeypatch.setattr(roots, "_check_machine", lambda root: None)
    monkeypatch.setattr(roots, "_isolated", isolated)
    monkeypatch.setattr(roots, "cache_folder", lambda name: tmp_path)
    monkeypatch.setattr(debian, "archive", lambda: "http://mirror.example/debian/")
    with pytest.raises(subprocess.CalledProcessError):
        run_inside(HERE, tmp_path, "true")
    run_inside(HERE, tmp_path, "true")
    run_inside(HERE, tmp_path, "true")
    assert ran == ["debootstrap", "debootstrap", "sh", "sh"]


@pytest.mark.usefixtures("namespaces")
def test_what_is_mounted_is_gone_at_the_end(tmp_path: Path) -> None:
    script = 'mount -t tmpfs none "$0" && touch "$0/seen" && exit 3'
    with pytest.raises(subprocess.CalledProcessError) as caught:
        roots._isolated(HERE, "sh", "-c", script, tmp_path)
    assert caught.value.returncode == 3
    assert not tmp_path.is_mount()
    assert not (tmp_path / "seen").exists()


@pytest.mark.usefixtures("namespaces")
def test_the_kernel_forgets_what_it_was_told_of_foreign_programs() -> None:
    if not Path(f"/usr/lib/binfmt.d/qemu-{FOREIGN_ARCH}.conf").exists():
        pytest.skip(f"there is no qemu-{FOREIGN_ARCH}-static here")
    known = Path(f"/proc/sys/fs/binfmt_misc/qemu-{FOREIGN_ARCH}")
    before = known.exists()
    roots._isolated(Root("foreign", "bookworm", FOREIGN_ARCH, "3.11"), "test", "-e", known)
    assert known.exists() == before
