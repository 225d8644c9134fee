"""The checksums S3 offers: digests of bytes, and composite digests of the parts' digests."""

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence

from awscrt import checksums as crt

ALGORITHMS: Mapping[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": lambda data: crt.crc32c(data).to_bytes(4, "big"),
    "CRC64NVME": lambda data: crt.crc64nvme(data).to_bytes(8, "big"),
    "SHA1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}


def header(algorithm: str) -> str:
    """Return the name of the header that carries a checksum of this algorithm."""
    return f"x-amz-checksum-{algorithm.lower()}"


def full(algorithm: str, data: bytes) -> str:
    """Return the checksum of `data` as S3 writes it: base64 of the big-endian digest."""
    return base64.b64encode(ALGORITHMS[algorithm](data)).decode()


def composite(algorithm: str, parts: Sequence[bytes]) -> str:
    """Return the checksum of the parts' digests, followed by "-" and the number of parts."""
    digest = ALGORITHMS[algorithm]
    return f"{full(algorithm, b''.join(map(digest, parts)))}-{len(parts)}"
