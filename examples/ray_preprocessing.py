"""Prepare objects on all machines of a Ray cluster, and feed the results into training.

pip install "objectpipes[ray]"
python examples/ray_preprocessing.py s3://bucket/train/
"""

from __future__ import annotations

import argparse
from typing import Any

import ray

import objectpipes.ray


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Make features of an object: here its size and its mean byte."""
    data = row["bytes"]
    return {"path": row["path"], "size": len(data), "mean": sum(data) / max(1, len(data))}


@ray.remote(num_cpus=0)  # of a GPU worker: the processors are for reading
def train(rank: int, rows: Any) -> int:
    """Take batches as they become ready; every rank gets equally many rows."""
    return sum(len(batch["path"]) for batch in rows.iter_batches(batch_size=16))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("prefix", help="of the objects: s3:// or ais://bucket/prefix/")
    parser.add_argument("--ranks", type=int, default=2)
    options = parser.parse_args()
    prepared = objectpipes.ray.read_objects(options.prefix, include_paths=True).map(prepare)
    parts = prepared.streaming_split(options.ranks, equal=True)
    print(ray.get([train.remote(rank, part) for rank, part in enumerate(parts)]))


if __name__ == "__main__":
    main()
