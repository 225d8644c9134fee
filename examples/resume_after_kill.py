"""Train on objects in a store so that kill -9 costs no more than the steps since a checkpoint.

    python examples/resume_after_kill.py s3://bucket/pictures/ checkpoint.pt

Kill it anywhere and start it again: model and data continue together, so the model ends as if
nothing had happened. The environment says how to reach the store (AWS_ENDPOINT_URL, ...).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import nn

from objectpipes import Manifest
from objectpipes.torch import ObjectDataset


def features(file: Any) -> torch.Tensor:
    """Return how often each byte occurs in an object."""
    data = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)
    return torch.bincount(data.long(), minlength=256).float() / len(data)


def save(path: Path, **parts: Any) -> None:
    """Write a checkpoint; whoever is killed in between leaves the one before."""
    new = path.with_suffix(".new")
    torch.save(parts, new)
    new.replace(path)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("prefix", help="where the objects are: s3://bucket/prefix")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--save-every", type=int, default=5, help="steps between checkpoints")
    options = parser.parse_args()

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(256, 16), nn.ReLU(), nn.Linear(16, 256))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    dataset = ObjectDataset(Manifest.list(options.prefix), features, batch_size=8, shuffle=True)
    loader = dataset.loader(num_workers=options.workers)
    if options.checkpoint.exists():
        saved = torch.load(options.checkpoint)
        model.load_state_dict(saved["model"])
        loader.load_state_dict(saved["loader"])  # and with it the dataset's epoch

    step = 0
    for epoch in range(dataset.epoch, options.epochs):
        dataset.set_epoch(epoch)
        for batch in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(batch), batch).backward()
            optimizer.step()
            step += 1
            if step % options.save_every == 0:
                save(options.checkpoint, model=model.state_dict(), loader=loader.state_dict())
            print(f"epoch {epoch}, step {step} of this process", flush=True)
    weights = torch.cat([weight.flatten() for weight in model.parameters()])
    print(f"the model's weights: {weights.double().norm().item():.12f}")


if __name__ == "__main__":
    main()
