"""A program for torchrun: lists on rank 0, loads, and writes what its rank got.

Arguments: the S3 endpoint, a folder for the results, workers, steps, and perhaps a merged state.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from objectpipes import Credentials, Manifest, S3Config
from objectpipes.errors import ObjectStoreError
from objectpipes.torch import ObjectDataset


def number_of(reader: Any) -> int:
    return int(reader.url[-3:])


def main(endpoint: str, folder: str, workers: str, steps: str, merged: str = "") -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    config = S3Config(
        endpoint_url=endpoint, region="us-east-1", credentials=Credentials("access", "secret")
    )
    errors = []
    try:
        Manifest.list("s3://none/", config=config)
    except ObjectStoreError as error:
        errors.append(type(error).__name__)
    manifest = Manifest.list("s3://bucket/", config=config)
    dataset = ObjectDataset(manifest[:3], batch_size=8, config=config, ranks=5, rank=rank)
    try:
        iter(dataset)
    except ObjectStoreError as error:
        errors.append(type(error).__name__)
    dataset = ObjectDataset(
        manifest,
        number_of,
        batch_size=8 // dist.get_world_size(),
        shuffle=True,
        uneven="pad",
        config=config,
    )
    if merged:
        dataset.load_state_dict(torch.load(merged, weights_only=True))
    loader = dataset.loader(num_workers=int(workers))
    batches: list[list[int]] = []
    for batch in loader:
        dist.all_reduce(torch.ones(1))  # hangs if ranks have different numbers of batches
        batches.append(batch.tolist())
        if len(batches) == int(steps):
            break
    torch.save(loader.state_dict(), Path(folder, f"state{rank}.pt"))
    result = {"batches": batches, "errors": errors, "manifest": manifest.fingerprint}
    Path(folder, f"rank{rank}.json").write_text(json.dumps(result))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
