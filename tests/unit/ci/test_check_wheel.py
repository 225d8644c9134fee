"""Each check of a wheel finds its fault."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

from ci.artifacts import check_wheel
from ci.artifacts.check_wheel import Wheel, main, problems_of

LINKED = {"openssl": "3.5.7"}
MakeWheel = Callable[..., Path]


@pytest.fixture
def make_wheel_in_memory() -> Callable[..., Wheel]:
    """Return a function from contents by name to a wheel without a file."""

    def make(files: dict[str, bytes], platform: str = "manylinux_2_28_x86_64") -> Wheel:
        path = Path(f"objectpipes-0.1.0-cp311-cp311-{platform}.whl")
        return Wheel(path, {PurePosixPath(name): data for name, data in files.items()})

    return make


def bom(**versions: str) -> dict[str, bytes]:
    """Return the file with a bill of materials."""
    parts = [{"name": name, "version": version} for name, version in versions.items()]
    data = json.dumps({"components": parts}).encode()
    return {"objectpipes-0.1.0.dist-info/sboms/objectpipes.cdx.json": data}


def paths_in(wheel: Wheel) -> list[str]:
    """Return what is said of the paths in the binaries of a wheel."""
    return [*check_wheel.check_build_paths(wheel), *check_wheel.check_ca_paths(wheel)]


def test_a_good_wheel_passes(make_wheel: MakeWheel, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = make_wheel(linked=LINKED)
    assert main([str(wheel)]) == 0
    assert capsys.readouterr().out.endswith(f"{wheel.name}: ok\n")


def test_every_check_is_made(make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch) -> None:
    def complain(wheel: Wheel) -> Iterator[str]:
        yield "no good"

    monkeypatch.setattr(check_wheel, "CHECKS", [complain, complain])
    wheel = make_wheel()
    assert problems_of(wheel) == ["no good", "no good"]
    assert main([str(wheel)]) == 1


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("void PyInit__ext(void) {}", []),
        ("static int hidden;", ["_ext.so exports 0 symbols: "]),
        (
            "void PyInit__ext(void) {} void SSL_new(void) {}",
            ["_ext.so exports 2 symbols: PyInit__ext, SSL_new"],
        ),
    ],
)
def test_only_the_module_init_is_exported(
    compile_extension: Callable[..., bytes],
    make_wheel_in_memory: Callable[..., Wheel],
    source: str,
    problems: list[str],
) -> None:
    wheel = make_wheel_in_memory({"_ext.so": compile_extension(source)})
    assert list(check_wheel.check_exports(wheel)) == problems


@pytest.mark.parametrize(
    ("called", "problems"),
    [
        ("strlen", []),
        ("PyErr_Occurred", []),
        ("_Py_Dealloc", []),
        ("SSL_new", ["_ext.so lacks symbols: SSL_new"]),
    ],
)
def test_what_was_not_linked_in_is_found(
    compile_extension: Callable[..., bytes],
    make_wheel_in_memory: Callable[..., Wheel],
    called: str,
    problems: list[str],
) -> None:
    source = f"int {called}(const char*); int PyInit__ext(char** a) {{ return {called}(*a); }}"
    wheel = make_wheel_in_memory({"_ext.so": compile_extension(source, "-fno-builtin")})
    assert list(check_wheel.check_symbols(wheel)) == problems


@pytest.mark.parametrize(
    ("flags", "problems"),
    [
        ([], []),
        (["-Wl,-rpath,/opt/lib"], ["_ext.so has a DT_RUNPATH"]),
        (["-Wl,-rpath,/opt/lib,--disable-new-dtags"], ["_ext.so has a DT_RPATH"]),
    ],
)
def test_no_library_is_looked_for_elsewhere(
    compile_extension: Callable[..., bytes],
    make_wheel_in_memory: Callable[..., Wheel],
    flags: list[str],
    problems: list[str],
) -> None:
    wheel = make_wheel_in_memory({"_ext.so": compile_extension("int a;", *flags)})
    assert list(check_wheel.check_rpath(wheel)) == problems


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        (b"\0/nonexistent/cert.pem\0/dev/urandom\0", []),
        (b"\0./vcpkg/buildtrees/curl/src/a.c\0", []),
        (b"\0/home/me/a.cc\0", ["_ext.so holds a build path: /home/me/a.cc"]),
        (b"\0/tmp/x/a.cc\0/tmp/x/b.cc\0", ["_ext.so holds a build path: /tmp/x/a.cc, /tmp/x/b.cc"]),
        (b"\0/etc/pki/tls/cert.pem\0", ["_ext.so holds a CA path: /etc/pki/tls/cert.pem"]),
        (b"\0/usr/lib/ssl/certs\0", ["_ext.so holds a CA path: /usr/lib/ssl/certs"]),
        (b"\0cc -ffile-prefix-map=/opt/objectpipes=. -O2\0", []),
        (b'\0MODULESDIR: "/opt/objectpipes/installed/x64-linux-wheel/lib/ossl-modules"\0', []),
        (b'\0ENGINESDIR: "/opt/objectpipes/installed/arm64-osx-wheel/lib/engines-3"\0', []),
        *(
            (b"\0" + path.encode() + b"\0", [f"_ext.so holds a build path: {path}"])
            for path in (
                "/opt/objectpipes/installed/x64-linux-wheel/lib/ossl-modules/legacy.so",
                "/opt/objectpipes/installed/x64-linux-wheel/ssl/cert.pem",
                "/opt/objectpipes/vcpkg/buildtrees/curl/src/a.c",
                "D:\\a\\objectpipes\\objectpipes\\csrc\\a.cc",
                "d:/a/objectpipes/a.cc",
                "C:\\Users\\me\\a.cc",
            )
        ),
        (b"\0C:\\Program Files\\OpenSSL\\lib\\ossl-modules\0", []),
        (b"\0http://a/b\0s3://a/b\0", []),
    ],
)
def test_no_path_of_another_machine_is_baked_in(
    make_wheel_in_memory: Callable[..., Wheel], data: bytes, problems: list[str]
) -> None:
    assert paths_in(make_wheel_in_memory({"_ext.so": data})) == problems


def test_a_library_may_look_for_certificates_where_we_do(
    make_wheel_in_memory: Callable[..., Wheel],
) -> None:
    data = b"\0/etc/ssl/certs/ca-certificates.crt\0/etc/pki/tls/certs/ca-bundle.crt\0"
    without = make_wheel_in_memory({"_ext.so": data})
    assert len(paths_in(without)) == 1
    linked = bom(**{"aws-crt-cpp": "0.26.8"})
    assert paths_in(make_wheel_in_memory({"_ext.so": data} | linked)) == []
    other = {"_ext.so": data + b"/opt/conda/ssl/cert.pem\0"}
    assert len(paths_in(make_wheel_in_memory(other | linked))) == 1


def test_a_path_in_python_code_is_no_baked_in_path(
    make_wheel_in_memory: Callable[..., Wheel],
) -> None:
    wheel = make_wheel_in_memory({"objectpipes/_tls.py": b"FILE = '/etc/ssl/cert.pem'\n"})
    assert paths_in(wheel) == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"OpenSSL 3.5.6 1 Jan 2026", "_ext.so holds openssl 3.5.6"),
        (b"libcurl/8.14.1", "_ext.so holds curl 8.14.1"),
    ],
)
def test_the_bill_of_materials_is_compared_with_the_binary(
    make_wheel_in_memory: Callable[..., Wheel], data: bytes, problem: str
) -> None:
    wheel = make_wheel_in_memory({"_ext.so": data} | bom(openssl="3.5.7"))
    assert list(check_wheel.check_bom(wheel)) == [f"{problem}, objectpipes.cdx.json does not"]


def test_a_missing_bill_of_materials_is_found(make_wheel_in_memory: Callable[..., Wheel]) -> None:
    wheel = make_wheel_in_memory({})
    assert list(check_wheel.check_bom(wheel)) == [
        "there is no dist-info/sboms/objectpipes.cdx.json"
    ]


def test_a_missing_licence_is_found(make_wheel_in_memory: Callable[..., Wheel]) -> None:
    wheel = make_wheel_in_memory({"objectpipes-0.1.0.dist-info/licenses/LICENSE": b""} | bom(a="1"))
    assert list(check_wheel.check_licenses(wheel)) == [
        "there is no dist-info/licenses/linked/a.txt"
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("tests/__init__.py", "tests/__init__.py is outside of the package"),
        ("objectpipes/tests/test_it.py", "test_it.py does not belong into a wheel"),
        ("objectpipes/_ext.cpython-39-x86_64-linux-gnu.so", "it holds 2 binaries"),
        ("objectpipes/engine.cc", "engine.cc does not belong into a wheel"),
        ("objectpipes/cache.pyc", "check-wheel-contents: "),
    ],
)
def test_a_file_too_many_is_found(make_wheel: MakeWheel, name: str, problem: str) -> None:
    wheel = check_wheel.read_wheel(make_wheel(files={name: "pass\n"}))
    assert any(problem in found for found in check_wheel.check_contents(wheel))


@pytest.mark.parametrize(
    ("libraries", "problems"),
    [
        ({"curl": "8.14.1"}, ["it has 4,000,000 bytes, more than 3,000,000"]),
        ({"aws-sdk-cpp": "1.11.0"}, []),
    ],
)
def test_a_wheel_is_small_unless_it_has_the_aws_sdk(
    tmp_path: Path, libraries: dict[str, str], problems: list[str]
) -> None:
    path = tmp_path / "large.whl"
    path.write_bytes(bytes(4_000_000))
    wheel = Wheel(path, {PurePosixPath(name): data for name, data in bom(**libraries).items()})
    assert list(check_wheel.check_size(wheel)) == problems


@pytest.mark.parametrize(
    ("platform", "needed", "problems"),
    [
        ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", []),
        ("manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_17_x86_64", []),
        ("musllinux_1_2_x86_64", "musllinux_1_2_x86_64", []),
        ("macosx_11_0_arm64", "", []),
        (
            "manylinux_2_28_x86_64",
            "manylinux_2_34_x86_64",
            ["the tag is manylinux_2_28_x86_64, the symbols need manylinux_2_34_x86_64"],
        ),
        (
            "manylinux_2_28_x86_64",
            "linux_x86_64",
            ["the tag is manylinux_2_28_x86_64, the symbols need linux_x86_64"],
        ),
        ("linux_x86_64", "", ["linux_x86_64 promises no oldest system"]),
    ],
)
def test_the_tag_is_true_to_the_symbols(
    make_wheel_in_memory: Callable[..., Wheel],
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    needed: str,
    problems: list[str],
) -> None:
    report = json.dumps({"overall_tag": needed})
    monkeypatch.setattr(check_wheel, "output", lambda *command: report)
    wheel = make_wheel_in_memory({}, platform)
    assert list(check_wheel.check_tag(wheel)) == problems


@pytest.mark.parametrize("platform", ["manylinux_2_28_aarch64", "musllinux_1_2_aarch64"])
def test_the_extension_has_the_name_that_python_looks_for(
    make_wheel_in_memory: Callable[..., Wheel], platform: str
) -> None:
    def problems(name: str) -> list[str]:
        return list(check_wheel.check_names(make_wheel_in_memory({name: b""}, platform)))

    assert problems("_ext.cpython-311-aarch64-linux-gnu.so") == []
    assert problems("_ext.abi3.so") == []
    assert problems("_ext.cpython-311-x86_64-linux-gnu.so") == [
        "_ext.cpython-311-x86_64-linux-gnu.so is not found by a Python for aarch64"
    ]


def test_auditwheel_is_asked(make_wheel: MakeWheel) -> None:
    assert list(check_wheel.check_tag(check_wheel.read_wheel(make_wheel()))) == []


def test_metadata_that_pypi_refuses_is_found(make_wheel: MakeWheel) -> None:
    metadata = "Metadata-Version: 2.4\nName: objectpipes\nVersion: 0.1.0\nDynamic: nothing\n\n"
    wheel = make_wheel(files={"objectpipes-0.1.0.dist-info/METADATA": metadata})
    (problem,) = check_wheel.check_metadata(check_wheel.read_wheel(wheel))
    assert problem.startswith("twine: ")
