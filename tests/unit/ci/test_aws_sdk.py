"""A static aws-sdk-cpp to link: what is read of it, and what is refused."""

from pathlib import Path

import pytest

from ci.local.aws_sdk import AwsSdkError, read_aws_sdk
from ci.local.zig import Target

LIBRARIES = ("libaws-cpp-sdk-core.a", "libaws-cpp-sdk-s3.a", "libaws-crt-cpp.a")


def install(prefix: Path, symbol: bytes, folder: str = "lib") -> Path:
    """Make what an installed SDK looks like."""
    headers = {
        "core/VersionConfig.h": '#define AWS_SDK_VERSION_STRING "1.11.332"\n',
        "crt/Config.h": '#define AWS_CRT_CPP_VERSION "0.26.8"\n',
    }
    for name, text in headers.items():
        header = prefix / "include" / "aws" / name
        header.parent.mkdir(parents=True)
        header.write_text(text)
    (prefix / folder).mkdir()
    for name in LIBRARIES:
        (prefix / folder / name).write_bytes(b"!<arch>\n" + symbol)
    return prefix


@pytest.mark.parametrize("folder", ["lib", "lib64"])
def test_versions_and_the_compiler_are_found_out(tmp_path: Path, folder: str) -> None:
    sdk = read_aws_sdk(install(tmp_path, b"_ZNSt3__112basic_string", folder))
    assert (sdk.version, sdk.crt_version, sdk.cxx_library) == ("1.11.332", "0.26.8", "libc++")


def test_what_another_compiler_has_made_is_linked_by_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBJECTPIPES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("ci.local.gcc.check_programs", lambda *names: None)
    monkeypatch.setattr("ci.local.gcc.output", lambda *command: "c++ 12.2.0\n")
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    sdk = read_aws_sdk(install(tmp_path, b"_ZNSt7__cxx1112basic_string"))
    toolchain = sdk.toolchain(Target("x86_64"))
    assert toolchain.target.platform_tag == "manylinux_2_36_x86_64"
    assert not toolchain.is_zig


def test_a_shared_sdk_is_refused(tmp_path: Path) -> None:
    install(tmp_path, b"")
    (tmp_path / "lib" / "libaws-cpp-sdk-s3.a").unlink()
    with pytest.raises(AwsSdkError, match=r"libaws-cpp-sdk-s3\.a: build .*BUILD_SHARED_LIBS=OFF"):
        read_aws_sdk(tmp_path)


def test_headers_without_a_version_are_refused(tmp_path: Path) -> None:
    install(tmp_path, b"")
    (tmp_path / "include" / "aws" / "crt" / "Config.h").write_text("")
    with pytest.raises(AwsSdkError, match="AWS_CRT_CPP_VERSION"):
        read_aws_sdk(tmp_path)


def test_objects_of_no_known_compiler_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AwsSdkError, match="neither"):
        read_aws_sdk(install(tmp_path, b"?"))
