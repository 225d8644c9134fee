"""Every block of code in the documentation runs, as it stands, against a store on this machine.

The blocks of a page are one program, in their order, in an empty folder. A block of Python that
needs more than an S3 store says so in its fence (``{.python .aistore}``). Of shell commands those run
that are ours; what installs something is what the tests of artifacts do.
"""

from __future__ import annotations

import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from objectpipes.demo.pictures import make_picture
from servers import AIStore, Seaweed

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"(?m)^```(?P<info>[^\n`]*)\n(?P<code>.*?)^```$", re.DOTALL)
_INSTALLERS = ("pip", "conda", "apt-get", "USE_SYSTEM_AWS_SDK_CPP=ON", "export", "cp", "scripts/")
_NOT_CODE = ("", "text", "toml", "mermaid")


@dataclass(frozen=True)
class Block:
    """A block of code: its language, what it needs, and its lines."""

    language: str
    needs: str
    code: str


def blocks_of(page: Path) -> list[Block]:
    blocks = []
    for match in _BLOCK.finditer(page.read_text()):
        language, needs, *_ = [*re.findall(r"[\w-]+", match["info"]), "", ""]
        blocks.append(Block(language, needs, match["code"]))
    return blocks


def program_of(page: Path, needs: str) -> str:
    blocks = blocks_of(page)
    return "\n".join(b.code for b in blocks if b.language == "python" and b.needs == needs)


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """The environment of a program that finds pictures and shards in ``s3://bucket``."""
    with Seaweed() as server:
        server.create_bucket("bucket")
        for number in range(12):
            server.put("bucket", f"train/{number:03}.jpg", make_picture(number).data)
        for shard in range(2):
            server.put("bucket", f"shards/{shard:03}.tar", _shard(shard))
        yield {
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_REGION": server.region,
        }


def _shard(number: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as shard:
        for sample in range(4):
            for suffix, data in (("txt", b"caption"), ("cls", b"3")):
                member = tarfile.TarInfo(f"{number:03}-{sample:03}.{suffix}")
                member.size = len(data)
                shard.addfile(member, io.BytesIO(data))
    return file.getvalue()


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    inherited = {
        name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ
    }
    result = subprocess.run(
        command,
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def _pages_with(needs: str) -> list[Path]:
    return [page for page in PAGES if program_of(page, needs)]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", _pages_with(""), ids=_name)
def test_python_of_a_page_runs_from_top_to_bottom(
    page: Path, store: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "page.py").write_text(program_of(page, ""))
    for command in _own_commands(page):
        if command[1] == "index":  # the page's Python reads what it writes
            run([sys.executable, "-m", *command], tmp_path, store)
    run([sys.executable, "page.py"], tmp_path, store)


@pytest.mark.parametrize("page", _pages_with("aistore"), ids=_name)
def test_python_that_needs_aistore(page: Path, tmp_path: Path) -> None:
    with AIStore(targets=1) as cluster:
        cluster.create_bucket("bucket")
        cluster.put("bucket", "train/000.jpg", make_picture(0).data)
        (tmp_path / "page.py").write_text(program_of(page, "aistore"))
        run([sys.executable, "page.py"], tmp_path, {"AIS_ENDPOINT": cluster.endpoint})


@pytest.mark.parametrize("page", _pages_with("ray"), ids=_name)
def test_python_that_needs_ray(page: Path, store: dict[str, str], tmp_path: Path) -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    (tmp_path / "page.py").write_text(program_of(page, "ray"))
    run([sys.executable, "page.py"], tmp_path, store)


def _own_commands(page: Path) -> list[list[str]]:
    lines = "\n".join(b.code for b in blocks_of(page) if b.language == "sh").replace("\\\n", " ")
    words = (shlex.split(line, comments=True) for line in lines.splitlines())
    return [command for command in words if command and command[0] == "objectpipes"]


@pytest.mark.parametrize("page", [page for page in PAGES if _own_commands(page)], ids=_name)
def test_commands_of_a_page_succeed(page: Path, store: dict[str, str], tmp_path: Path) -> None:
    for command in _own_commands(page):
        run([sys.executable, "-m", *command], tmp_path, store)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_block_is_left_out(page: Path) -> None:
    for block in blocks_of(page):
        if block.language == "sh":
            for line in block.code.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0] != "objectpipes":
                    assert words[0].startswith(_INSTALLERS), f"nobody runs {line!r}"
        elif block.language == "python":
            assert block.needs in ("", "aistore", "ray")
        else:
            assert block.language in _NOT_CODE, f"nobody runs {block}"
