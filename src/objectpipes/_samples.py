"""Samples of a tar shard: consecutive members with the same key, as in webdataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._archives import open_tar
from .errors import ArchiveError

if TYPE_CHECKING:
    from . import _ext


@dataclass(slots=True)
class Group:
    """The members of one sample."""

    key: str  # the common part of their names: up to the first dot after the last slash
    # Offsets in the archive: of the first member's header, and where the last member ends.
    begin: int
    end: int
    # Open files by extension, in lower case and without the dot.
    files: dict[str, Any] = field(default_factory=dict)


def groups_in(
    file: Any, url: str, compression: str = "*", *, part: bool = False
) -> Iterator[Group]:
    """Group the members of an archive. A member without a key or an extension is ignored.

    If a sample has two members with the same extension, that is an `ArchiveError`, as is an archive
    that is cut off or damaged. Earlier samples are yielded first.
    """
    members: _ext.TarReader = open_tar(file, url, compression, part=part)
    inside = len(url) + 1
    current: Group | None = None
    for path, member in members:
        key, extension = _key_and_extension(path[inside:])
        if not key:
            continue
        if current is None or key != current.key:
            if current is not None:
                yield current
            current = Group(key, members.begin, members.end)
        if extension in current.files:
            raise ArchiveError(
                f'Sample "{key}" has two members "{extension}", the second at offset'
                f" {members.begin}",
                url=url,
            )
        current.files[extension] = member
        current.end = members.end
    if current is not None:
        yield current


def sample_of(group: Group, url: str) -> dict[str, Any]:
    """Read the sample into a dictionary of bytes, which transforms get."""
    sample: dict[str, Any] = {"__key__": group.key, "__url__": str(url)}
    for extension, file in group.files.items():
        sample[extension] = file.read()
    return sample


def _key_and_extension(name: str) -> tuple[str, str]:
    """Split a name. Both parts are empty if the member does not belong to a sample."""
    folder = name.rfind("/") + 1
    dot = name.find(".", folder)
    if dot <= folder or (not folder and name.startswith("__") and name.endswith("__")):
        return "", ""
    return name[:dot], name[dot + 1 :].lower()
