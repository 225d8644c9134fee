"""Reads symbols and the dynamic section of a shared library (ELF)."""

import io
from collections.abc import Iterator
from itertools import zip_longest

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerSymSection
from elftools.elf.sections import Symbol, SymbolTableSection

# The extension's module init, and nothing else: other packages in the process have their own
# OpenSSL and c-ares.
EXPORTED = {"PyInit__ext"}


def is_elf(data: bytes) -> bool:
    """Say whether the content of a file is ELF."""
    return data.startswith(b"\x7fELF")


def exported_symbols(data: bytes) -> set[str]:
    """Return the exported symbols."""
    return {symbol.name for symbol in _symbols(_elf(data)) if not _is_undefined(symbol)}


def unversioned_symbols(data: bytes) -> set[str]:
    """Return the undefined symbols without a version."""
    elf = _elf(data)
    versions: list[int | str] = []
    for section in elf.iter_sections("SHT_GNU_versym"):
        assert isinstance(section, GNUVerSymSection)
        versions += [entry["ndx"] for entry in section.iter_symbols()]
    return {
        symbol.name
        for symbol, version in zip_longest(_symbols(elf), versions)
        # The number of a version, or a word for symbols without one.
        if symbol.name
        and _is_undefined(symbol)
        and symbol["st_info"]["bind"] != "STB_WEAK"
        and not isinstance(version, int)
    }


def dynamic_tags(data: bytes) -> set[str]:
    """Return the names of the entries in the dynamic section."""
    tags = set()
    for section in _elf(data).iter_sections("SHT_DYNAMIC"):
        assert isinstance(section, DynamicSection)
        tags |= {tag.entry.d_tag for tag in section.iter_tags()}
    return tags


def _elf(data: bytes) -> ELFFile:
    return ELFFile(io.BytesIO(data))


def _symbols(elf: ELFFile) -> Iterator[Symbol]:
    for section in elf.iter_sections("SHT_DYNSYM"):
        assert isinstance(section, SymbolTableSection)
        yield from section.iter_symbols()


def _is_undefined(symbol: Symbol) -> bool:
    return bool(symbol["st_shndx"] == "SHN_UNDEF")
