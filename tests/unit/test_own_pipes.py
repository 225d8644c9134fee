"""`objectpipes.iter` works with a torch that has no datapipes any more."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import textwrap

import pytest

from faults import FaultServer

HIDE = """
import builtins

# Our package sees what torch would be like without its datapipes; torch itself, which still imports
# them in a worker, goes on undisturbed.
original = builtins.__import__

def without_datapipes(name, globals=None, locals=None, fromlist=(), level=0):
    ours = ((globals or {}).get("__name__") or "").startswith("objectpipes")
    wanted = {name, *(f"{name}.{part}" for part in fromlist or ())}
    gone = ("torch.utils.data.datapipes", "torch.utils.data.IterDataPipe")
    if ours and any(module.startswith(gone) for module in wanted):
        raise ImportError(f"there is no {name}")
    return original(name, globals, locals, fromlist, level)

builtins.__import__ = without_datapipes
"""


def run(program: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", HIDE + textwrap.dedent(program)],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    ).stdout


@pytest.mark.parametrize("workers", [0, 2])
def test_a_chain_lists_loads_and_shards_in_a_dataloader(workers: int) -> None:
    with FaultServer({"bucket": {f"a/{n:02}": b"%d" % n for n in range(20)}}) as server:
        output = run(
            f"""
            from objectpipes.iter import IterableWrapper, IterDataPipe, S3FileLister, S3FileLoader
            from torch.utils.data import DataLoader

            def text(item):
                return item[1].read().decode()

            urls = S3FileLister(IterableWrapper(["s3://bucket/a/"])).shuffle().sharding_filter()
            files = urls.load_files_by_s3().map(text).filter(str.isdigit).batch(3)
            assert isinstance(files, IterDataPipe)
            loader = DataLoader(files, batch_size=None, num_workers={workers})
            print(*sorted(int(text) for batch in loader for text in batch))
            """,
            AWS_ENDPOINT_URL=server.endpoint,
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
        )
    assert output.split() == [str(n) for n in range(20)]


def _shard(names: list[str]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as shard:
        for name in names:
            for suffix in ("jpg", "cls"):
                member = tarfile.TarInfo(f"{name}.{suffix}")
                member.size = len(suffix)
                shard.addfile(member, io.BytesIO(suffix.encode()))
    return file.getvalue()


@pytest.mark.parametrize("workers", [0, 1])
def test_tar_pipes_read_shards(workers: int) -> None:
    objects = {"a/0.tar": _shard(["x", "y"]), "a/1.tar": _shard(["z"])}
    with FaultServer({"bucket": objects}) as server:
        output = run(
            f"""
            from objectpipes.iter import IterableWrapper
            from torch.utils.data import DataLoader

            def contents(sample):
                key = sample.pop("__key__").rpartition("/")[2]
                return key, {{name: member.read() for name, member in sample.items()}}

            shards = IterableWrapper(["s3://bucket/a/"]).list_files_by_s3(masks="*.tar")
            samples = shards.load_files_by_s3().load_from_tar().webdataset().map(contents)
            for key, sample in DataLoader(samples, batch_size=None, num_workers={workers}):
                assert sample == {{".jpg": b"jpg", ".cls": b"cls"}}, sample
                print(key)
            """,
            AWS_ENDPOINT_URL=server.endpoint,
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
        )
    assert output.split() == ["x", "y", "z"]


def test_every_pipe_stands_on_a_base_of_ours() -> None:
    output = run(
        """
        import inspect
        import objectpipes.iter as pipes
        from torch.utils.data import IterDataPipe as torchs

        assert pipes.IterDataPipe.__module__ == "objectpipes.iter._own_pipes"
        classes = [pipe for _, pipe in inspect.getmembers(pipes, inspect.isclass)]
        ours = [pipe for pipe in classes if issubclass(pipe, pipes.IterDataPipe)]
        assert len(ours) > 8
        assert not [pipe for pipe in classes if issubclass(pipe, torchs)]
        print("fine")
        """
    )
    assert output == "fine\n"


def test_elements_of_a_shuffle_come_once_in_another_order() -> None:
    output = run(
        """
        from objectpipes.iter import IterableWrapper
        pipe = IterableWrapper(list(range(100))).shuffle(buffer_size=10)
        first, second = list(pipe), list(pipe)
        assert sorted(first) == sorted(second) == list(range(100))
        assert first != second and first != list(range(100))
        assert len(IterableWrapper([1, 2])) == 2
        print("fine")
        """
    )
    assert output == "fine\n"
