"""webdataset, which has a process of its own read a shard: curl is what it takes for a URL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import boto3
import webdataset
from typing_extensions import override

from .contender import MEMBER_SUFFIX, Contender, Piece, shard_of

_URL_LIFETIME = 86_400  # seconds


class WebDataset(Contender):
    """``WebDataset`` of a presigned URL."""

    @override
    def members(self, names: Sequence[str]) -> Iterator[Piece]:
        shard, wanted = shard_of(names), len(names)
        url = self._presigned(shard)
        while wanted:
            for sample in islice(webdataset.WebDataset(url, shardshuffle=False), wanted):
                yield f"{shard}/{sample['__key__']}", sample[MEMBER_SUFFIX[1:]]
                wanted -= 1

    def _presigned(self, shard: str) -> str:
        store = self.store
        client = boto3.client("s3", endpoint_url=store.endpoint, region_name=store.region)
        place = {"Bucket": store.bucket, "Key": shard.removeprefix(self.name(""))}
        url: str = client.generate_presigned_url("get_object", place, ExpiresIn=_URL_LIFETIME)
        return url
