"""The content of each server of the suite."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from servers import AIStore, S3Server

KIB = 1 << 10
MIB = 1 << 20

BUCKET = "conformance"
KEYS_BUCKET = "keys"  # all kinds of keys, with nothing before them
PUBLIC_BUCKET = "public"
EMPTY_BUCKET = "empty"

ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


@dataclass(frozen=True)
class Upload:
    """An object whose bytes are drawn from its key.

    Attributes
    ----------
    size
        In bytes.
    algorithm
        Of the checksum it is stored with; empty for none.
    type
        ``COMPOSITE`` or ``FULL_OBJECT``, of a multipart upload; empty for an upload in one piece.
    part_size
        Of a multipart upload.
    """

    key: str
    size: int
    algorithm: str = "CRC32"
    type: str = ""
    part_size: int = 0

    def __str__(self) -> str:
        return self.key

    @property
    def data(self) -> bytes:
        return _random_bytes(self.key, self.size)


# No key tells the size of its object, so the size must come from the listing.
SIZES = [
    Upload("sizes/0", 0),
    Upload("sizes/1", 1),
    Upload("sizes/2", 4 * KIB),
    Upload("sizes/3", 128 * KIB),
    Upload("sizes/4", 5 * MIB),
]
CHECKSUMS = [
    Upload(f"checksums/{algorithm or 'none'}.bin", 4 * KIB, algorithm)
    for algorithm in [*ALGORITHMS, ""]
]
LARGE = Upload("multipart/CRC64NVME-FULL_OBJECT", 20 * MIB, "CRC64NVME", "FULL_OBJECT", 8 * MIB)
LARGE_COMPOSITE = Upload("multipart/SHA256-COMPOSITE", 20 * MIB, "SHA256", "COMPOSITE", 8 * MIB)
MULTIPART = [
    LARGE,
    LARGE_COMPOSITE,
    *(
        Upload(f"multipart/{algorithm}-{kind}", 5 * MIB + 1, algorithm, kind, 5 * MIB)
        for algorithm, kind in [
            ("CRC32", "COMPOSITE"),
            ("CRC32", "FULL_OBJECT"),
            ("CRC32C", "COMPOSITE"),
            ("CRC32C", "FULL_OBJECT"),
            ("SHA1", "COMPOSITE"),
        ]
    ),
]

# Three pages, in directories whose order depends on whether "/" counts: "a-" < "a/", "a" < "a-".
MANY = {
    **{f"many/a-/{i:04}": b"%d" % i for i in range(1300)},
    **{f"many/a/{i:04}": b"%d" % -i for i in range(1200)},
}
TREE = ["tree/1", "tree/b/1", "tree/b/2", "tree/c/d/1", "tree/folder/", "tree/z.csv"]

LONG_SEGMENT = "x" * 256
KEYS = [
    "with space",
    " space around ",
    "a+b",
    "50%",
    "%41%2F",
    "query?a=b",
    "fragment#a",
    "a&b=c;d",
    "quotes\"'`",
    "<xml>&amp;",
    "a:b@c,d$!()",
    "star*[x]{y}|^~",
    "~/tilde",
    "-dash",
    "..dots",
    "dot.",
    "null",
    "back\\slash",
    "tab\there",
    "new\nline",
    "carriage\rreturn",
    "crlf\r\nline",
    "control\x01character",
    "delete\x7fcharacter",
    "next\x85line",
    "composed \u00e9",
    "decomposed e\u0301",
    "\u65e5\u672c\u8a9e/\u30ad\u30fc",
    "\U0001f40d/snake",
    "noncharacter \ufffe",
    "both",
    "both/below",
    "a//b",
    "/leading",
    "a/./b",
    "a/../b",
    "../up",
    "./here",
    LONG_SEGMENT,
    "/".join(["\u00e9" * 100] * 5),  # 1,004 bytes
    "/".join(["y" * 204] * 5),  # 1,024 bytes: the longest that S3 has
]


def data_of(key: str) -> bytes:
    """Return what is stored under one of `KEYS`."""
    return f"data of {key}".encode()


def fill(server: S3Server, missing_keys: Collection[str]) -> None:
    """Store all objects in a server, except keys that it refuses."""
    for bucket in (BUCKET, KEYS_BUCKET, PUBLIC_BUCKET, EMPTY_BUCKET):
        server.create_bucket(bucket)
    for upload in [*SIZES, *CHECKSUMS]:
        _put(server, upload)
    for upload in MULTIPART:
        _put_parts(server, upload)
    for key in KEYS:
        if key not in missing_keys:
            server.put(KEYS_BUCKET, key, data_of(key))
    server.put_many(BUCKET, MANY)
    server.put_many(BUCKET, dict.fromkeys(TREE, b""))
    server.put(PUBLIC_BUCKET, "key", b"for everyone")
    _publish(server, PUBLIC_BUCKET)


def fill_cluster(cluster: AIStore, missing_keys: Collection[str]) -> None:
    """Store in a cluster what has a meaning there, but for the keys that it does not take."""
    for bucket in (BUCKET, KEYS_BUCKET, EMPTY_BUCKET):
        cluster.create_bucket(bucket)
    objects = {upload.key: upload.data for upload in [*SIZES, *CHECKSUMS, *MULTIPART]}
    objects |= {**MANY, **dict.fromkeys(TREE, b"")}
    puts = [(BUCKET, key, data) for key, data in objects.items() if key not in missing_keys]
    puts += [(KEYS_BUCKET, key, data_of(key)) for key in KEYS if key not in missing_keys]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda put: cluster.put(*put), puts))


def _put(server: S3Server, upload: Upload) -> None:
    if upload.algorithm:
        server.client.put_object(
            Bucket=BUCKET, Key=upload.key, Body=upload.data, ChecksumAlgorithm=upload.algorithm
        )
    else:
        server.put_many(BUCKET, {upload.key: upload.data})


def _put_parts(server: S3Server, upload: Upload) -> None:
    client = server.client
    target = {"Bucket": BUCKET, "Key": upload.key}
    algorithm = {"ChecksumAlgorithm": upload.algorithm}
    kind = {"ChecksumType": upload.type}
    started = client.create_multipart_upload(**target, **algorithm, **kind)
    target["UploadId"] = started["UploadId"]
    parts: list[dict[str, Any]] = []
    for begin in range(0, upload.size, upload.part_size):
        number = len(parts) + 1
        body = upload.data[begin : begin + upload.part_size]
        reply = client.upload_part(**target, **algorithm, PartNumber=number, Body=body)
        stored = {"ETag", f"Checksum{upload.algorithm}"}
        parts.append({"PartNumber": number, **{k: v for k, v in reply.items() if k in stored}})
    client.complete_multipart_upload(**target, **kind, MultipartUpload={"Parts": parts})


def _publish(server: S3Server, bucket: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    server.client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


@functools.cache
def _random_bytes(seed: str, size: int) -> bytes:
    return random.Random(seed).randbytes(size)
