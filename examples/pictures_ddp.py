"""Train on pictures in a store with DDP, and resume with another number of processes.

    torchrun --nproc-per-node 2 examples/pictures_ddp.py s3://bucket/pictures/ checkpoints

Stop it anywhere, and start it again with the same or another --nproc-per-node: it continues at the
first picture that the model in the last checkpoint has not seen. The environment says how to reach
the store (AWS_ENDPOINT_URL, ...).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from PIL import Image
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from objectpipes import Manifest
from objectpipes.torch import ObjectDataset, merge_states

SIDE = 32


def decode(picture: Any) -> tuple[torch.Tensor, int]:
    """Return a picture's pixels and its label, which its name tells here."""
    with Image.open(picture) as image:
        pixels = bytearray(image.convert("RGB").resize((SIDE, SIDE)).tobytes())
    return torch.frombuffer(pixels, dtype=torch.uint8).float() / 255, sum(pixels) % 10


def save(folder: Path, model: nn.Module, loader: Any) -> None:
    """Write a checkpoint, which counts once it is whole."""
    new = folder.with_suffix(".new")
    new.mkdir(parents=True, exist_ok=True)
    torch.save(loader.state_dict(), new / f"loader{dist.get_rank()}.pt")
    if dist.get_rank() == 0:
        torch.save(model.state_dict(), new / "model.pt")
    dist.barrier()
    if dist.get_rank() == 0:
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    dist.barrier()


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("prefix", help="where the pictures are: s3://bucket/prefix")
    parser.add_argument("checkpoints", type=Path, help="folder of the checkpoint")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--global-batch", type=int, default=32, help="pictures of all processes")
    parser.add_argument("--workers", type=int, default=2, help="of each process")
    parser.add_argument("--save-every", type=int, default=10, help="steps between checkpoints")
    parser.add_argument("--stop-after", type=int, help="steps after which to stop as if killed")
    options = parser.parse_args()

    dist.init_process_group("gloo")
    torch.manual_seed(0)
    model = DistributedDataParallel(nn.Linear(3 * SIDE * SIDE, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    manifest = Manifest.list(options.prefix)  # by rank 0, for all
    dataset = ObjectDataset(
        manifest,
        decode,
        batch_size=options.global_batch // dist.get_world_size(),
        shuffle=True,
        uneven="pad",
    )
    checkpoint = options.checkpoints / "last"
    if checkpoint.exists():
        states = [torch.load(file) for file in sorted(checkpoint.glob("loader*.pt"))]
        dataset.load_state_dict(merge_states(states))
        model.load_state_dict(torch.load(checkpoint / "model.pt"))
    loader = dataset.loader(num_workers=options.workers)

    steps = 0
    for epoch in range(dataset.epoch, options.epochs):
        dataset.set_epoch(epoch)  # continues the epoch of the checkpoint
        pictures = 0
        for pixels, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(pixels), labels)
            loss.backward()
            optimizer.step()
            pictures += len(labels)
            steps += 1
            if steps % options.save_every == 0:
                save(checkpoint, model, loader)
            if steps == options.stop_after:
                dist.destroy_process_group()
                return
        save(checkpoint, model, loader)
        totals = torch.tensor([pictures, loss.item()])
        dist.all_reduce(totals)
        if dist.get_rank() == 0:
            last = totals[1].item() / dist.get_world_size()
            print(f"epoch {epoch}: {int(totals[0])} pictures, last loss {last:.4f}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
