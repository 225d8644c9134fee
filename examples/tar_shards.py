"""Train on tar shards. Stop at any time, start again, and continue at the next batch.

    objectpipes index s3://bucket/shards/
    python examples/tar_shards.py s3://bucket/shards/ --checkpoint run.pt

With `torchrun --nproc-per-node 2` every rank takes its part of each batch.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from objectpipes import Manifest
from objectpipes.torch import ShardDataset

Sample = tuple[float, int]


def decode(sample: dict[str, bytes]) -> Sample:
    """Make numbers of a sample: here the mean byte of its picture, and its class."""
    picture = sample["jpg"]
    return sum(picture) / max(1, len(picture)), int(sample["cls"])


def train(prefix: str, index: str | None, checkpoint: Path, epochs: int, steps: int | None) -> None:
    """Fit a line, and save where it is after every step."""
    manifest = Manifest.list(prefix, masks="*.tar")
    dataset = ShardDataset(manifest, decode, batch_size=16, shuffle=True, index=index)
    loader = dataset.loader(num_workers=2)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-9)
    checkpoint = checkpoint.with_suffix(f".{os.environ.get('RANK', '0')}.pt")
    first = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        first = saved["epoch"]
        model.load_state_dict(saved["model"])
        loader.load_state_dict(saved["loader"])
    done = 0
    for epoch in range(first, epochs):
        dataset.set_epoch(epoch)
        for means, classes in loader:
            loss = torch.nn.functional.mse_loss(
                model(means.float()[:, None])[:, 0], classes.float()
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            print(f"epoch {epoch}: {sorted(classes.tolist())}", flush=True)
            saved = {"epoch": epoch, "model": model.state_dict(), "loader": loader.state_dict()}
            torch.save(saved, checkpoint)
            done += 1
            if done == steps:
                return


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("prefix", help="of the shards: s3:// or ais://bucket/prefix")
    parser.add_argument("--index", help="where the indexes are, if not beside the shards")
    parser.add_argument("--checkpoint", type=Path, default=Path("tar_shards.pt"))
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--steps", type=int, help="stop after so many")
    options = parser.parse_args()
    train(options.prefix, options.index, options.checkpoint, options.epochs, options.steps)


if __name__ == "__main__":
    main()
