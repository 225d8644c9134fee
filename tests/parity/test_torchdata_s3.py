"""The tests that torchdata had of its S3 pipes, with its cases and its numbers.

They are test/test_s3io.py and the S3 part of test/test_remote_io.py of its release 0.6, which read
public buckets; here the buckets have the same names, and as many objects under the same prefixes.
Upstream compared numbers; here the objects themselves are compared as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from objectpipes.iter import IterableWrapper, S3FileLister, S3FileLoader
from servers import S3Server, Seaweed, ServerUnavailable

CHARADES = [
    "README.txt",
    "caption.zip",
    "evaluation.zip",
    "license.txt",
    "objects.zip",
    "test.zip",
    "Charades_v1.zip",
    "Charades_v1_480.zip",
    "Charades_v1_features_flow.tar.gz",
    "Charades_v1_features_rgb.tar.gz",
    "Charades_v1_flow.tar",
    "Charades_v1_rgb.tar",
    *(f"Charades_vu17_{part}.zip" for part in ("flow", "rgb", "test", "train", "val", "video")),
]
DATASETS = [*(f"charades/{name}" for name in CHARADES), *(f"other/{i:02}.zip" for i in range(60))]
BIN_IMAGES = [f"bin-images/{start}{i:04}.jpg" for start in (111, 222) for i in range(1106)]
BUCKETS = {
    "ai2-public-datasets": DATASETS,
    "aft-vbi-pds": [*BIN_IMAGES, "bin-images/100730.jpg"],
    "charades-tar-shards": [f"charades-video-{i}.tar" for i in range(10)],
    "bucket-name": ["folder/a.txt", "folder/b.csv"],
}

ONE_BUCKET = "s3://ai2-public-datasets"
FOLDER = f"{ONE_BUCKET}/charades"
FOUR_FILES = [
    f"{FOLDER}/Charades_v1.zip",
    f"{FOLDER}/Charades_v1_flow.tar",
    f"{FOLDER}/Charades_v1_rgb.tar",
    f"{FOLDER}/Charades_v1_480.zip",
]
WRONG_URLS = ["", "ai2-public-datasets", "s3://", "s3:///bin-images"]


def data_of(url: str) -> bytes:
    return f"what is in {url}".encode()


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    try:
        running = Seaweed()
        running.start()
    except ServerUnavailable as error:
        pytest.skip(str(error))
    with running:
        for bucket, keys in BUCKETS.items():
            running.create_bucket(bucket)
            running.put_many(bucket, {key: data_of(f"s3://{bucket}/{key}") for key in keys})
        yield running


@pytest.fixture(autouse=True)
def _configured(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the buckets are is in the environment, and not in the code of the tests."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


# --- test_s3io.py -----------------------------------------------------------------------------


def test_list_files() -> None:
    lister = S3FileLister(IterableWrapper(["s3://bucket-name/folder"]))
    assert list(lister) == ["s3://bucket-name/folder/a.txt", "s3://bucket-name/folder/b.csv"]


def test_list_files_with_filter_mask() -> None:
    lister = S3FileLister(IterableWrapper(["s3://bucket-name/folder"]), masks="*.csv")
    assert list(lister) == ["s3://bucket-name/folder/b.csv"]


# --- test_remote_io.py ------------------------------------------------------------------------


@pytest.mark.parametrize("pipe", [S3FileLister, S3FileLoader])
def test_without_the_extension(monkeypatch: pytest.MonkeyPatch, pipe: type) -> None:
    monkeypatch.setitem(sys.modules, "objectpipes._ext", None)
    with pytest.raises(ModuleNotFoundError, match="TorchData must be built with"):
        pipe(IterableWrapper(FOUR_FILES))


@pytest.mark.parametrize(
    ("prefixes", "count"),
    [
        ([ONE_BUCKET], 78),
        ([f"{ONE_BUCKET}/"], 78),
        ([FOLDER], 18),
        ([f"{FOLDER}/"], 18),
        ([f"{ONE_BUCKET}/charad"], 18),
        ([f"{FOLDER}/Charades_v1", f"{FOLDER}/Charades_vu17"], 12),
        (FOUR_FILES[:1], 1),
        (FOUR_FILES, 4),
        ([*FOUR_FILES, f"{FOLDER}/Charades_vu17"], 10),
    ],
    ids=[
        "bucket without slash",
        "bucket with slash",
        "folder without slash",
        "folder with slash",
        "prefix",
        "prefixes",
        "single file",
        "multiple files",
        "files and prefixes",
    ],
)
def test_lister(prefixes: list[str], count: int) -> None:
    urls = list(S3FileLister(IterableWrapper(prefixes), region="us-west-2"))
    assert len(urls) == count
    every = [f"{ONE_BUCKET}/{key}" for key in DATASETS]
    assert sorted(urls) == sorted(u for p in prefixes for u in every if u.startswith(p))


def test_lister_of_another_region() -> None:
    prefixes = ["s3://aft-vbi-pds/bin-images/111", "s3://aft-vbi-pds/bin-images/222"]
    urls = S3FileLister(IterableWrapper(prefixes), request_timeout_ms=10000, region="us-east-1")
    found = list(urls)
    assert len(found) == 2212
    assert set(found) == {f"s3://aft-vbi-pds/{key}" for key in BIN_IMAGES}


@pytest.mark.parametrize("url", WRONG_URLS)
def test_lister_refuses(url: str) -> None:
    lister = S3FileLister(IterableWrapper([url]), region="us-east-1")
    with pytest.raises(ValueError, match="filename"):
        list(lister)


@pytest.mark.parametrize(
    "urls",
    [
        ["s3://aft-vbi-pds/bin-images/100730.jpg"],
        [f"s3://charades-tar-shards/charades-video-{i}.tar" for i in range(2)],
    ],
    ids=["image", "shards"],
)
def test_loader(urls: list[str]) -> None:
    loader = S3FileLoader(urls, region="us-west-2")
    assert [(url, stream.read()) for url, stream in loader] == [(u, data_of(u)) for u in urls]


@pytest.mark.parametrize("url", [*WRONG_URLS, "s3://ai2-public-datasets/bin-image"])
def test_loader_refuses(url: str) -> None:
    loader = S3FileLoader([url], region="us-east-1")
    with pytest.raises(ValueError, match=r"filename|does not exist"):
        list(loader)


def test_lister_and_loader() -> None:
    urls = S3FileLister(IterableWrapper(["s3://charades-tar-shards/"]), region="us-west-2")
    found = [(url, stream.read()) for url, stream in S3FileLoader(urls, region="us-west-2")]
    assert len(found) == 10
    assert all(data == data_of(url) for url, data in found)
