"""`objectpipes.iter` works with a torch that has no datapipes any more."""

from __future__ import annotations

import subprocess
import sys
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
