"""Tar archives of all kinds for the tests of tar shards."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ARCHIVES", "COMPRESSIONS", "FILES", "make_tar", "many_samples", "shard_of"]

FILES: dict[str, bytes] = {
    "d/000.jpg": bytes(range(256)) * 40,
    "d/000.cls": b"7",
    "d/001.jpg": b"",
    "d/001.cls": b"\n",
    "d/block.bin": b"x" * 512,
    "d/two.tar.gz": b"y" * 1025,
}


def make_tar(
    files: Mapping[str, bytes | tarfile.TarInfo],
    tar_format: int = tarfile.GNU_FORMAT,
    **options: Any,
) -> bytes:
    """Pack files, or members without data, in order."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tar_format, **options) as tar:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def many_samples(first: int, count: int, size: int) -> dict[str, bytes]:
    """Return a picture and its class for each number."""
    files: dict[str, bytes] = {}
    for number in range(first, first + count):
        files[f"{number:06}.jpg"] = f"{number} ".encode() * (size // len(f"{number} ")) + b"."
        files[f"{number:06}.cls"] = str(number).encode()
    return files


def shard_of(first: int, count: int, size: int = 1000) -> bytes:
    """Pack `many_samples`."""
    return make_tar(many_samples(first, count, size))


def _member(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = link
    return member


def _others() -> dict[str, bytes | tarfile.TarInfo]:
    kinds = {
        "directory": _member("directory", tarfile.DIRTYPE),
        "symbolic": _member("symbolic", tarfile.SYMTYPE, "d/000.jpg"),
        "hard": _member("hard", tarfile.LNKTYPE, "d/000.jpg"),
        "fifo": _member("fifo", tarfile.FIFOTYPE),
        "device": _member("device", tarfile.CHRTYPE),
        "far": _member("far" * 60, tarfile.SYMTYPE, "target" * 60),
    }
    return {"d/000.jpg": b"before", **kinds, "d/behind.txt": b"behind"}


def _names(*names: str) -> dict[str, bytes]:
    return {name: f"{index}".encode() for index, name in enumerate(names)}


_LONG = "folder/" * 30 + "n" * 120 + ".jpg"
_UNICODE = "é/\u4e2d\u6587.jpg"
_ODD_NAMES = ("./a/b.jpg", "a//c.jpg", "a/../d.jpg", "/absolute/e.jpg", "a/./f.jpg", "..g", " h ")
_V7 = make_tar(FILES, tarfile.USTAR_FORMAT).replace(b"ustar\x0000", b"\0" * 8)


def _with_checksums(archive: bytes) -> bytes:
    """Correct the checksum of each changed header."""
    with_sums = bytearray(archive)
    position = 0
    while any(with_sums[position : position + 512]):
        header = with_sums[position : position + 512]
        size = int(header[124:135], 8)
        header[148:156] = b" " * 8
        with_sums[position + 148 : position + 156] = b"%06o\0 " % sum(header)
        position += 512 + (size + 511) // 512 * 512
    return bytes(with_sums)


_Files = dict[str, bytes | tarfile.TarInfo]

_FORMATS = {
    "gnu": tarfile.GNU_FORMAT,
    "pax": tarfile.PAX_FORMAT,
    "ustar": tarfile.USTAR_FORMAT,
}
_CONTENTS: dict[str, _Files] = {
    "files": {**FILES},
    "other members": _others(),
    "names": {**_names(*_ODD_NAMES)},
    "unicode": {**_names(_UNICODE)},
    "prefix": {**_names("p" * 120 + "/" + "n" * 90 + ".jpg")},
    "long names": {**_names(_LONG, "short", _LONG + "2")},
}
_TOO_LONG_FOR_USTAR = ("other members", "long names")

ARCHIVES: dict[str, bytes] = {
    "empty": make_tar({}),
    **{
        f"{name}, {kind}": make_tar(files, tar_format)
        for kind, tar_format in _FORMATS.items()
        for name, files in _CONTENTS.items()
        if kind != "ustar" or name not in _TOO_LONG_FOR_USTAR
    },
    "files, v7": _with_checksums(_V7),
    "no bytes of UTF-8": make_tar(_names("caf\udce9.jpg")),
    "global header": make_tar(FILES, tarfile.PAX_FORMAT, pax_headers={"comment": "of all"}),
    "one of two": make_tar({"a": b"1"}) + make_tar({"b": b"2"}),
    "padded": make_tar({"a": b"1"}) + bytes(100_000),
}

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
