"""Datasets of tar shards: every sample once, resumable anywhere, with an index and without."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from archives import make_tar, many_samples, shard_of
from faults import FaultServer, kinds
from integration.pipes import CREDENTIALS, config_for
from objectpipes import Manifest, ObjectUrl, read_objects
from objectpipes.cli import main
from objectpipes.errors import (
    ArchiveError,
    ConfigError,
    ObjectChangedError,
    ShardIndexError,
    StateError,
    TransformError,
)
from objectpipes.shard_index import IndexPlace, index_shard
from objectpipes.torch import ShardDataset, merge_states

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),
]

COUNTS = [23, 1, 40, 0, 64, 7, 31, 2]
KEYS = [f"{number:06}" for number in range(sum(COUNTS))]
FIRSTS = [sum(COUNTS[:number]) for number in range(len(COUNTS))]
SHARDS = {
    f"shards/{number}.tar": shard_of(first, count, 1000 * (number + 1))
    for number, (first, count) in enumerate(zip(FIRSTS, COUNTS, strict=True))
}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer({"bucket": SHARDS}) as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS.secret_key)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("S3_ENDPOINT_URL", server.endpoint)


@pytest.fixture
def manifest(server: FaultServer) -> Manifest:
    return Manifest.list("s3://bucket/shards/", config=config_for(server))


@pytest.fixture
def index(tmp_path: Path) -> Path:
    assert main(["index", "s3://bucket/shards/", "-o", str(tmp_path / "index")]) == 0
    return tmp_path / "index"


def key_of(sample: dict[str, Any]) -> str:
    key: str = sample["__key__"]
    assert sample["cls"] == str(int(key)).encode()
    assert sample["jpg"].startswith(f"{int(key)} ".encode())
    return key


def dataset(manifest: Manifest, index: Any, **options: Any) -> ShardDataset:
    return ShardDataset(manifest, key_of, **{"batch_size": 4, "index": index} | options)


def ranks_of(manifest: Manifest, index: Any, ranks: int, **options: Any) -> list[ShardDataset]:
    return [dataset(manifest, index, rank=rank, ranks=ranks, **options) for rank in range(ranks)]


# --- samples ---------------------------------------------------------------------------------------


def test_samples_are_what_webdataset_makes_of_shards() -> None:
    archive = make_tar(
        {
            "d/a.JPG": b"picture",
            "d/a.seg.png": b"mask",
            "d/readme": b"no extension",
            "d/.hidden": b"no key",
            "__meta.json__": b"metadata",
            "d/b.jpg": b"",
            "e/b.jpg": b"another folder",
        }
    )
    with FaultServer({"bucket": {"a.tar": archive}}) as server:
        manifest = Manifest.from_urls(["s3://bucket/a.tar"])
        found = [*ShardDataset(manifest, batch_size=1, config=config_for(server))]
    url = "s3://bucket/a.tar"
    samples = [
        {"__key__": "d/a", "__url__": url, "jpg": b"picture", "seg.png": b"mask"},
        {"__key__": "d/b", "__url__": url, "jpg": b""},
        {"__key__": "e/b", "__url__": url, "jpg": b"another folder"},
    ]
    assert found == samples


def test_two_members_of_one_kind_in_a_sample_are_an_error() -> None:
    archive = make_tar({"a.jpg": b"1", "a.JPG": b"2"})
    with FaultServer({"bucket": {"a.tar": archive}}) as server:
        manifest = Manifest.from_urls(["s3://bucket/a.tar"])
        with pytest.raises(ArchiveError, match=r'"a" has two members "jpg".* offset 1024'):
            [*ShardDataset(manifest, batch_size=1, config=config_for(server))]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("indexed", [True, False])
def test_every_sample_comes_once(
    manifest: Manifest, index: Path, indexed: bool, shuffle: bool
) -> None:
    data = dataset(manifest, index if indexed else False, shuffle=shuffle, uneven="keep")
    found = [*data]
    assert sorted(found) == KEYS
    assert (found == KEYS) != shuffle
    if indexed:
        assert len(data) == len(KEYS)
    data.set_epoch(1)
    assert ([*data] != found) == shuffle


@pytest.mark.parametrize("window", [1, 3, 100])
def test_shuffling_mixes_a_window_of_shards(manifest: Manifest, index: Path, window: int) -> None:
    found = [*dataset(manifest, index, shuffle=True, shuffle_window=window, uneven="keep")]
    shards = [next(n for n, f in reversed([*enumerate(FIRSTS)]) if int(k) >= f) for k in found]
    order = [*dict.fromkeys(shards)]
    filled = [number for number in order if COUNTS[number]]
    changes = sum(a != b for a, b in itertools.pairwise(shards))
    if window == 1:
        assert changes == len(filled) - 1, "each shard by itself"
    else:
        assert changes > 2 * len(filled)
    assert sorted(found) == KEYS


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_workers_do_not_change_the_order(manifest: Manifest, index: Path, workers: int) -> None:
    data = dataset(manifest, index, shuffle=True, uneven="pad")
    expected = [*data]
    loader = data.loader(num_workers=workers)
    assert [key for batch in loader for key in batch] == expected
    assert len(expected) == -(-len(KEYS) // 4) * 4


def test_ranks_are_equal_and_take_the_same_global_batches(manifest: Manifest, index: Path) -> None:
    alone = [*dataset(manifest, index, shuffle=True, batch_size=12)]
    apart = [[*data] for data in ranks_of(manifest, index, 3, shuffle=True)]
    assert {len(found) for found in apart} == {len(alone) // 3}
    batches = [
        [key for found in apart for key in found[begin : begin + 4]]
        for begin in range(0, len(apart[0]), 4)
    ]
    assert [key for batch in batches for key in batch] == alone


# --- resumption ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("indexed", [True, False])
def test_a_state_leads_back_to_the_very_sample(
    manifest: Manifest, index: Path, indexed: bool, shuffle: bool
) -> None:
    where = index if indexed else False
    options: dict[str, Any] = {"shuffle": shuffle, "uneven": "keep", "seed": 5}
    whole = [*dataset(manifest, where, **options)]
    for stop in range(0, len(KEYS) + 1, 7):
        begun = dataset(manifest, where, **options)
        samples = iter(begun)
        seen = [next(samples) for _ in range(stop)]
        resumed = dataset(manifest, where, **options)
        resumed.load_state_dict(begun.state_dict())
        assert [*seen, *resumed] == whole, f"stopped after {stop}"


@pytest.mark.parametrize("indexed", [True, False])
def test_another_number_of_ranks_goes_on_with_what_is_left(
    manifest: Manifest, index: Path, indexed: bool
) -> None:
    """No sample comes twice, none is missing, wherever the ranks stopped."""
    where = index if indexed else False
    options: dict[str, Any] = {"shuffle": True, "uneven": "keep", "seed": 3}
    draw = random.Random(0)
    for _ in range(25):
        ranks, others = draw.choice([(1, 2), (2, 1), (2, 3), (3, 2), (4, 1)])
        steps = draw.randrange(0, len(KEYS) // (4 * ranks) + 2)
        seen: list[str] = []
        states = []
        for data in ranks_of(manifest, where, ranks, **options):
            samples = iter(data)
            seen += [key for _, key in zip(range(4 * steps), samples, strict=False)]
            states.append(data.state_dict())
        again = draw.randrange(0, 3)
        merged = merge_states(states)
        seconds = ranks_of(manifest, where, others, **options)
        states = []
        for data in seconds:
            data.load_state_dict(merged)
            samples = iter(data)
            seen += [key for _, key in zip(range(4 * again), samples, strict=False)]
            states.append(data.state_dict())
        [last] = ranks_of(manifest, where, 1, **options)
        last.load_state_dict(merge_states(states))
        assert sorted([*seen, *last]) == KEYS, (ranks, others, steps, again)


def test_a_stopped_loader_goes_on_in_the_middle_of_a_shard(
    manifest: Manifest, index: Path, server: FaultServer
) -> None:
    pytest.importorskip("torchdata.stateful_dataloader")
    for where in (index, False):
        data = dataset(manifest, where, shuffle=True, uneven="keep")
        loader = data.loader(num_workers=2)
        whole = [*loader]
        batches = iter(loader)
        seen = [next(batches) for _ in range(9)]
        state = torch.tensor(0), loader.state_dict()  # what a checkpoint holds
        resumed = dataset(manifest, where, shuffle=True, uneven="keep").loader(num_workers=2)
        resumed.load_state_dict(state[1])
        assert [*seen, *resumed] == whole
        elastic = dataset(manifest, where, shuffle=True, uneven="keep")
        elastic.load_state_dict(merge_states([state[1]]))
        rest = [key for batch in elastic.loader(num_workers=1) for key in batch]
        assert sorted([key for batch in seen for key in batch] + rest) == KEYS


def test_what_was_consumed_is_not_read_again(manifest: Manifest, index: Path) -> None:
    with FaultServer({"bucket": SHARDS}) as server:
        data = dataset(manifest, index, config=config_for(server))
        data.resume(0, 160)
        assert next(iter(data)) == KEYS[160]
        reads = [request for request in server.requests if request.method == "GET"]
    assert all("range" in request.headers for request in reads), "parts of shards only"
    assert not any("/shards/0.tar" in request.target for request in reads)


def test_a_step_counter_needs_an_index(manifest: Manifest) -> None:
    with pytest.raises(ConfigError, match="objectpipes index"):
        dataset(manifest, False).resume(0, 4)
    with pytest.raises(TypeError, match="index"):
        len(dataset(manifest, False))


def test_states_with_and_without_an_index_do_not_mix(manifest: Manifest, index: Path) -> None:
    state = dataset(manifest, False).state_dict()
    with pytest.raises(StateError, match="samples"):
        dataset(manifest, index).load_state_dict(state)


def test_several_ranks_without_an_index_must_keep(manifest: Manifest) -> None:
    with pytest.raises(ConfigError, match=r"objectpipes index.*uneven='keep'"):
        [*ranks_of(manifest, False, 2)[0]]
    found = [key for data in ranks_of(manifest, False, 2, uneven="keep") for key in data]
    assert sorted(found) == KEYS


# --- indexes ---------------------------------------------------------------------------------------


def test_the_command_passes_over_indexes_that_fit(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["index", "s3://bucket/shards/", "-o", str(index)]) == 0
    assert "0 indexes written, 8 already up to date" in capsys.readouterr().err
    (index / "bucket" / "shards" / "0.tar.idx").write_bytes(b"rubbish")
    assert main(["index", "s3://bucket/shards/", "-o", str(index)]) == 0
    assert "1 indexes written, 7 already up to date" in capsys.readouterr().err


def test_only_some_shards_have_an_index(manifest: Manifest, index: Path) -> None:
    (index / "bucket" / "shards" / "4.tar.idx").unlink()
    with pytest.raises(ShardIndexError, match=r"1 of 8 shards .*s3://bucket/shards/4\.tar"):
        dataset(manifest, index)


@pytest.mark.parametrize("shards", [1, 2, 100])
def test_without_any_index_beside_the_shards_none_is_used(shards: int) -> None:
    stored = {f"{number:03}.tar": shard_of(number, 1, 10) for number in range(shards)}
    with FaultServer({"bucket": stored}) as server:
        config = config_for(server)
        data = dataset(Manifest.list("s3://bucket", config=config), None, config=config)
        assert [*data] == [f"{number:06}" for number in range(shards)]


def test_a_place_without_indexes_is_an_error(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(ShardIndexError, match="8 of 8 shards have no index"):
        dataset(manifest, tmp_path)


@pytest.mark.parametrize("fact", ["size", "etag"])
def test_an_index_of_another_version_is_refused(manifest: Manifest, index: Path, fact: str) -> None:
    urls: list[ObjectUrl] = [*manifest]
    other = {"size": 512, "etag": urls[2].etag} if fact == "size" else {"etag": "0" * 32}
    urls[2] = ObjectUrl(str(urls[2]), **{"size": urls[2].size, **other})  # type: ignore[arg-type]
    with pytest.raises(ShardIndexError, match=rf"{fact} was .*s3://bucket/shards/2\.tar"):
        dataset(Manifest.from_urls(urls), index)


@pytest.mark.parametrize("size", [None, 5 * 1024, 600 * 1024])
def test_a_shard_that_was_replaced_after_all_is_refused(
    manifest: Manifest, index: Path, size: int | None
) -> None:
    """Also by a shorter one, in which the read of a sample finds no byte."""
    other = SHARDS["shards/0.tar"].replace(b"0 ", b"1 ")
    if size:
        manifest = Manifest.from_urls(map(str, manifest))
        other = other[:size].ljust(size, b"\0")
    others = {**SHARDS, "shards/0.tar": other}
    with (
        FaultServer({"bucket": others}) as server,
        pytest.raises(ObjectChangedError, match="replaced after it was indexed") as caught,
    ):
        [*dataset(manifest, index, config=config_for(server))]
    assert caught.value.advice.startswith("Index the shards again with `objectpipes index`")
    assert caught.value.advice in str(caught.value)


@pytest.mark.parametrize("damage", ["head", "offsets", "cut", "empty", "foreign", "newer"])
def test_a_damaged_index_is_refused(manifest: Manifest, index: Path, damage: str) -> None:
    path = index / "bucket" / "shards" / "0.tar.idx"
    data = path.read_bytes()
    path.write_bytes(
        {
            "head": data[:20] + b"\xff" + data[21:],
            "offsets": data[:-3] + b"\xff" + data[-2:],
            "cut": data[:-8],
            "empty": b"",
            "foreign": b"v1.2 3\n" * 500,
            "newer": data.replace(b'"format": 1', b'"format": 9'),
        }[damage]
    )
    with pytest.raises(ShardIndexError):
        [*dataset(manifest, index)]


def test_indexes_in_the_store_are_found_beside_the_shards(server: FaultServer) -> None:
    config = config_for(server)
    manifest = Manifest.list("s3://bucket/shards/", config=config)
    indexes = {}
    for url, reader in read_objects(manifest, config=config, prefetch_bytes=1 << 20, timeout=60):
        indexes[url.removeprefix("s3://bucket/") + ".idx"] = index_shard(url, reader)[1]
    with FaultServer({"bucket": {**SHARDS, **indexes}}) as stored:
        config = config_for(stored)
        manifest = Manifest.list("s3://bucket/shards/", config=config)
        data = dataset(manifest, None, config=config, uneven="keep")
        assert len(data) == len(KEYS)
        assert [*data] == KEYS


def test_each_index_of_a_wide_window_is_read_once() -> None:
    """Shuffling jumps from shard to shard of the window."""
    count = 50
    shards = {f"{number:02}.tar": shard_of(number * 20, 20, 10_000) for number in range(count)}
    with FaultServer({"bucket": shards}) as server:
        config = config_for(server)
        indexes = {
            f"{url[-6:]}.idx": index_shard(url, reader)[1]
            for url, reader in read_objects(
                Manifest.list("s3://bucket", config=config), config=config
            )
        }
    with FaultServer({"bucket": shards | indexes}) as server:
        config = config_for(server)
        manifest = Manifest.list("s3://bucket", config=config)
        data = dataset(manifest, None, shuffle=True, shuffle_window=count, config=config)
        before = len(server.requests)
        assert len([*data]) == 20 * count
        reads = [request.target for request in server.requests][before:]
    assert sum(".idx" in target for target in reads) == count


def test_any_key_makes_a_path_inside_of_the_folder(tmp_path: Path) -> None:
    place = IndexPlace(tmp_path, None)
    keys = ["a.tar", "../../a.tar", "/a.tar", "a//b.tar", "./a.tar", "é\\b:c.tar", "a/../b.tar"]
    paths = [place.of(f"s3://bucket/{key}") for key in keys]
    assert len({*paths}) == len(keys)
    for path in paths:
        assert Path(path).resolve().is_relative_to(tmp_path / "bucket")


def test_a_compressed_shard_has_no_index() -> None:
    import gzip

    with FaultServer({"bucket": {"a.tar": gzip.compress(shard_of(0, 9))}}) as server:
        manifest = Manifest.list("s3://bucket", config=config_for(server))
        assert [*dataset(manifest, False, config=config_for(server))] == KEYS[:9]
        assert main(["index", "s3://bucket/", "--endpoint-url", server.endpoint, "-o", "x"]) == 1


# --- what cannot be read ---------------------------------------------------------------------------


@pytest.mark.parametrize("uneven", ["drop", "pad", "keep"])
def test_unreadable_samples_are_replaced_or_left_out(
    manifest: Manifest, index: Path, uneven: Any
) -> None:
    gone = {key: data for key, data in SHARDS.items() if key != "shards/1.tar"}
    with FaultServer({"bucket": gone}) as server:
        data = dataset(manifest, index, config=config_for(server), uneven=uneven, on_error="skip")
        found = [*data]
    lost = KEYS[FIRSTS[1]]
    assert lost not in found
    assert data.skipped == 1
    if uneven == "keep":
        assert found == [key for key in KEYS if key != lost]
    else:
        assert len(found) == len(KEYS) // 4 * 4


def test_a_damaged_shard_without_an_index_is_left_at_its_damage(manifest: Manifest) -> None:
    damaged = {**SHARDS, "shards/0.tar": SHARDS["shards/0.tar"][:9_000]}
    with FaultServer({"bucket": damaged}) as server:
        config = config_for(server)
        with pytest.raises(ArchiveError, match=r"cut off.*s3://bucket/shards/0\.tar"):
            manifest = Manifest.list("s3://bucket/shards/", config=config)
            [*dataset(manifest, False, config=config)]
        data = dataset(manifest, False, config=config, on_error="skip")
        found = [*data]
    assert data.skipped == 1
    assert 0 < len([key for key in found if key < KEYS[FIRSTS[1]]]) < COUNTS[0]
    assert found[-1] == KEYS[-1]


def test_a_transform_that_raises_names_the_shard(manifest: Manifest, index: Path) -> None:
    def fail(_: Any) -> None:
        raise KeyError("no such member")

    for where in (index, False):
        data = ShardDataset(manifest, fail, batch_size=4, index=where)
        with pytest.raises(TransformError, match=r"KeyError.*s3://bucket/shards/0\.tar"):
            next(iter(data))


def test_a_broken_connection_does_not_matter(manifest: Manifest, index: Path) -> None:
    with FaultServer({"bucket": SHARDS}) as server:
        server.faults.add(kinds.CloseAt(1_000), times=3)
        assert [*dataset(manifest, index, config=config_for(server), uneven="keep")] == KEYS


def test_samples_of_any_size_and_number(tmp_path: Path) -> None:
    stored = {
        "small.tar": make_tar(many_samples(0, 1000, 1)),
        "large.tar": make_tar({"1000.bin": b"x" * 5_000_000, "1001.bin": b"", "1002.x": b"1"}),
    }
    with FaultServer({"bucket": stored}) as server:
        options = ["--endpoint-url", server.endpoint, "-o", str(tmp_path)]
        assert main(["index", "s3://bucket/", *options]) == 0
        manifest = Manifest.list("s3://bucket", config=config_for(server))
        data = ShardDataset(
            manifest,
            batch_size=5,
            index=tmp_path,
            shuffle=True,
            config=config_for(server),
            uneven="keep",
        )
        sizes = {sample["__key__"]: len(sample.get("bin", b"")) for sample in data}
    assert len(sizes) == 1003
    assert sizes["1000"] == 5_000_000


@pytest.mark.parametrize("index", [True, 1, b"folder", "\ud800", "a\0b"], ids=repr)
def test_an_index_that_is_nowhere(manifest: Manifest, index: Any) -> None:
    with pytest.raises(ConfigError, match="index"):
        dataset(manifest, index)


@pytest.mark.parametrize("window", [0, -1, 1.5])
def test_a_window_of_no_shards_makes_no_sense(manifest: Manifest, window: Any) -> None:
    with pytest.raises(ConfigError, match="shuffle_window"):
        dataset(manifest, False, shuffle_window=window)
