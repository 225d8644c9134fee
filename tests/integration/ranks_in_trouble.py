"""A program for torchrun: meets bad input, and writes the error that its rank got for each.

Arguments: the S3 endpoint, and a folder for the results.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch.distributed as dist

from objectpipes import Credentials, Manifest, S3Config
from objectpipes.errors import ObjectStoreError
from objectpipes.torch import ObjectDataset


def number_of(reader: Any) -> int:
    return int(reader.url[-3:])


def fails_at_9(reader: Any) -> int:
    if reader.url.endswith("/009"):
        raise ValueError("no picture")
    return number_of(reader)


def main(endpoint: str, folder: str) -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=30))
    rank = dist.get_rank()
    config = S3Config(
        endpoint_url=endpoint, region="us-east-1", credentials=Credentials("access", "secret")
    )
    manifest = Manifest.list("s3://bucket/", config=config)
    gone = Manifest.from_urls([*manifest[:20], "s3://bucket/none", *manifest[20:]])

    def dataset(of: Manifest, transform: Any = number_of, **options: Any) -> ObjectDataset:
        return ObjectDataset(of, transform, batch_size=4, config=config, **options)

    def read(*arguments: Any, **options: Any) -> None:
        for _ in dataset(*arguments, **options).loader(num_workers=1):
            pass

    def load_state_of_another_seed() -> None:
        loader = dataset(manifest, seed=1, shuffle=True).loader()
        dataset(manifest, seed=2, shuffle=True).load_state_dict(
            loader.state_dict()["dataset_state"]
        )

    errors = {}

    def meet(name: str, act: Callable[[], object]) -> None:
        try:
            act()
        except ObjectStoreError as error:
            errors[name] = f"{type(error).__name__}: {error}"

    meet("truncated", lambda: Manifest.load(Path(folder, "truncated")))
    meet("few", lambda: read(manifest[:1]))
    meet("gone", lambda: read(gone, uneven="pad"))
    meet("transform", lambda: read(manifest, fails_at_9))
    meet("seed", load_state_of_another_seed)
    dist.barrier()
    if rank == 0:  # the other one leaves without a word
        meet("lost", lambda: Manifest.list("s3://bucket/", config=config))
    Path(folder, f"rank{rank}.json").write_text(json.dumps(errors))
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
