"""Datasets across real ranks: torchrun with gloo; and the frameworks that train with them."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from faults import FaultServer
from integration.pipes import config_for
from objectpipes import Manifest
from objectpipes.torch import ObjectDataset, merge_states

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]

needs_states = pytest.mark.skipif(
    find_spec("torchdata") is None or find_spec("torchdata.nodes") is None,
    reason="there is no torchdata >= 0.11",
)
CONTENT = {f"{i:03}": bytes([i]) * (i * 10 + 1) for i in range(60)}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer({"bucket": CONTENT}, checksum="CRC32C") as running:
        yield running


def run_ranks(ranks: int, *arguments: object, program: str = "ranks.py") -> None:
    """Run a program under torchrun; a rank that fails or hangs fails the test."""
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks)),
            *(
                "--rdzv-backend",
                "c10d",
                "--rdzv-endpoint",
                "127.0.0.1:0",
                "--local-addr",
                "127.0.0.1",
            ),
            *(str(Path(__file__).with_name(program)), *map(str, arguments)),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=180,
    )


def results(folder: Path, ranks: int) -> list[set[int]]:
    """Return the global batches."""
    found = [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(ranks)]
    for result in found:
        assert result["errors"] == ["BucketNotFoundError", "ConfigError"]
        assert result["manifest"] == found[0]["manifest"]
    of_ranks = [result["batches"] for result in found]
    return [{*itertools.chain(*batches)} for batches in zip(*of_ranks, strict=True)]


@needs_states
def test_two_ranks_stop_and_one_goes_on(server: FaultServer, tmp_path: Path) -> None:
    """With the very same global batches; and an error of rank 0 is one of all."""
    whole, begun, rest = (tmp_path / name for name in ("whole", "begun", "rest"))
    for folder in (whole, begun, rest):
        folder.mkdir()
    run_ranks(2, server.endpoint, whole, 1, 1000)
    run_ranks(2, server.endpoint, begun, 2, 3)
    states = [torch.load(begun / f"state{rank}.pt", weights_only=True) for rank in range(2)]
    torch.save(merge_states(states), tmp_path / "merged.pt")
    run_ranks(1, server.endpoint, rest, 0, 1000, tmp_path / "merged.pt")
    assert results(begun, 2) + results(rest, 1) == results(whole, 2)
    assert set[int]().union(*results(whole, 2)) == {*range(60)}


def test_bad_input_is_an_error_of_its_rank(server: FaultServer, tmp_path: Path) -> None:
    """With a class and a cause, and before any collective: no rank waits for another."""
    manifest = Manifest.list("s3://bucket/", config=config_for(server))
    manifest.save(tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "truncated").write_bytes(whole[: len(whole) // 2])
    run_ranks(2, server.endpoint, tmp_path, program="ranks_in_trouble.py")
    of_both = {
        "truncated": ("ManifestError", "is truncated"),
        "few": ("ConfigError", "1 samples are too few for 2 ranks"),
        "seed": ("StateError", "saved with seed=1, but this dataset has seed=2"),
    }
    of_one: list[dict[str, tuple[str, str]]] = [
        # Samples 8 to 11 are rank 0's, and 20 to 23 rank 1's.
        {
            "transform": ("TransformError", "s3://bucket/009"),
            "lost": ("EndpointError", "RankLost"),
        },
        {"gone": ("ObjectNotFoundError", "s3://bucket/none")},
    ]
    for rank, expected in enumerate(of_one):
        errors = json.loads((tmp_path / f"rank{rank}.json").read_text())
        assert errors.keys() == {**of_both, **expected}.keys()
        for name, (kind, text) in {**of_both, **expected}.items():
            assert errors[name].startswith(kind)
            assert text in errors[name]


def _features(reader: Any) -> torch.Tensor:
    return torch.tensor([float(reader.url[-3:])])


def _dataset(server: FaultServer) -> ObjectDataset:
    config = config_for(server)
    manifest = Manifest.list("s3://bucket/", config=config)
    return ObjectDataset(manifest, _features, batch_size=5, shuffle=True, config=config)


@needs_states
@pytest.mark.filterwarnings("ignore")  # theirs are many
def test_lightning_goes_on_from_its_checkpoint(server: FaultServer, tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning", reason="there is no lightning")

    class Model(lightning.LightningModule):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.seen: list[float] = []

        def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
            self.seen += batch.flatten().tolist()
            loss: torch.Tensor = self.layer(batch / 100).square().mean()
            return loss

        def on_train_batch_end(self, *_: Any) -> None:
            if self.trainer.global_step == 5:
                self.trainer.save_checkpoint(tmp_path / "checkpoint")

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    def fit(checkpoint: Path | None = None) -> list[float]:
        model = Model()
        trainer = lightning.Trainer(
            max_epochs=2,
            default_root_dir=tmp_path,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        loader = _dataset(server).loader(num_workers=1)
        trainer.fit(model, loader, ckpt_path=checkpoint)
        return model.seen

    whole = fit()
    assert len(whole) == 2 * len({*whole}) == 120
    assert fit(tmp_path / "checkpoint") == whole[25:]


@needs_states
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [0, 2])
def test_accelerate_goes_on_from_its_checkpoint(
    server: FaultServer, workers: int, tmp_path: Path
) -> None:
    accelerate = pytest.importorskip("accelerate", reason="there is no accelerate")
    from accelerate.utils import DataLoaderConfiguration

    def prepared() -> tuple[Any, Any]:
        accelerator = accelerate.Accelerator(
            cpu=True,
            dataloader_config=DataLoaderConfiguration(
                use_stateful_dataloader=True, dispatch_batches=False
            ),
        )
        return accelerator, accelerator.prepare(_dataset(server).loader(num_workers=workers))

    _, loader = prepared()
    whole = [batch.flatten().tolist() for batch in loader]
    accelerator, loader = prepared()
    begun = [batch.flatten().tolist() for batch in itertools.islice(iter(loader), 5)]
    accelerator.save_state(str(tmp_path / "state"))
    accelerator, loader = prepared()
    accelerator.load_state(str(tmp_path / "state"))
    assert begun + [batch.flatten().tolist() for batch in loader] == whole
