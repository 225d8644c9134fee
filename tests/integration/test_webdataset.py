"""webdataset reads shards by our engine, in its own process and in workers.

Not run where webdataset is missing.
"""

from __future__ import annotations

import warnings

import pytest

from archives import shard_of
from faults import FaultServer
from integration.pipes import config_for
from objectpipes.errors import NotSupportedError, ObjectNotFoundError

webdataset = pytest.importorskip("webdataset", reason="there is no webdataset")

pytestmark = pytest.mark.filterwarnings("ignore")  # its own


def test_webdataset_reads_by_our_engine() -> None:
    import objectpipes.webdataset

    shards = {f"{number}.tar": shard_of(number * 20, 20) for number in range(3)}
    with FaultServer({"bucket": shards}) as server:
        objectpipes.webdataset.register(s3=config_for(server))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = webdataset.WebDataset("s3://bucket/{0..2}.tar", shardshuffle=False)
            samples = [*dataset]
        assert [sample["__key__"] for sample in samples] == [f"{number:06}" for number in range(60)]
        assert [int(sample["cls"]) for sample in samples] == [*range(60)]
        assert samples[0]["__url__"] == "s3://bucket/0.tar"


def test_what_cannot_be_opened_says_so() -> None:
    import objectpipes.webdataset

    with FaultServer({"bucket": {}}) as server:
        objectpipes.webdataset.register(s3=config_for(server))
        with pytest.raises(ObjectNotFoundError, match="s3://bucket/none"):
            webdataset.gopen("s3://bucket/none.tar")
        with pytest.raises(NotSupportedError, match="mode is 'wb'"):
            webdataset.gopen("s3://bucket/new.tar", "wb")
