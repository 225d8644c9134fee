"""Errors say what happened and what to do, and keep that when they cross processes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import sys
import traceback
from pathlib import Path

import pytest

from objectpipes import AISConfig, S3Config, errors
from objectpipes.errors import (
    AccessDeniedError,
    ArchiveError,
    BucketNotFoundError,
    ConfigError,
    EndpointError,
    InvalidURLError,
    ManifestError,
    ObjectNotFoundError,
    ObjectStoreError,
    ReadTimeoutError,
    ShardIndexError,
    StateError,
    TLSError,
    TransformError,
    from_native,
)
from objectpipes.iter import AISFileLister, AISFileLoader, S3FileLister, S3FileLoader
from objectpipes.options import ReadArguments

FACTS = ("url", "status", "code", "request_id", "attempts", "advice")
CLASSES = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, ObjectStoreError)
]
ROOT = Path(__file__).parents[2]
STATUS_H = ROOT / "csrc" / "base" / "status.h"
AWKWARD_URL = 's3://b/a "quoted\\" [status: 500], ü\n\t\x00'


def facts(error: ObjectStoreError) -> dict[str, object]:
    return {name: getattr(error, name) for name in FACTS}


def missing_object() -> ObjectStoreError:
    return from_native(
        "object_not_found",
        "The specified key does not exist.",
        url=AWKWARD_URL,
        status=404,
        code="NoSuchKey",
        request_id="4442587FB7D0A2F9",
        attempts=2,
    )


def test_text_is_message_advice_and_known_facts() -> None:
    error = from_native("access_denied", "Access Denied", url="s3://b/k", status=403, attempts=1)
    message, facts_start, written = str(error).partition(" [")
    assert message == f"Access Denied. {error.advice}"
    assert facts_start
    assert written == 'url: "s3://b/k", status: 403, attempts: 1]'


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_links_to_its_page_of_the_documentation(cls: type[ObjectStoreError]) -> None:
    site = re.search(r"(?m)^site_url: (\S+)$", (ROOT / "mkdocs.yml").read_text())
    assert site
    page, _, anchor = cls("x").help_url.removeprefix(site[1]).partition("/#")
    text = (ROOT / "docs" / f"{page}.md").read_text()
    assert text.startswith(f"# {cls.__name__}\n")
    assert f"\n## {anchor.replace('-', ' ').capitalize()}\n" in text


def test_a_class_of_a_users_own_links_to_the_page_of_ours() -> None:
    class MyError(ReadTimeoutError):
        pass

    assert MyError("x").help_url == ReadTimeoutError("x").help_url


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes are shown since Python 3.11")
def test_a_traceback_ends_in_the_link_once_also_that_of_a_worker() -> None:
    error = missing_object()
    printed = "".join(traceback.format_exception(error))
    assert printed.endswith(f"\nWhat to do about it: {error.help_url}\n")
    rebuilt = type(error)("Caught it in a worker.\nOriginal " + printed)
    assert "".join(traceback.format_exception(rebuilt)).count(error.help_url) == 1
    assert facts(rebuilt) == facts(error)


def test_unknown_facts_are_none_and_not_shown() -> None:
    error = from_native("server", "Internal error.", attempts=10)
    assert (error.url, error.status, error.code, error.request_id) == (None, None, None, None)
    assert str(error).endswith("[attempts: 10]")


def test_url_may_be_bytes() -> None:
    assert from_native("server", "x", url=b"s3://b/k\xff").url == "s3://b/k\\xff"


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (ObjectNotFoundError, FileNotFoundError),
        (BucketNotFoundError, FileNotFoundError),
        (AccessDeniedError, PermissionError),
        (EndpointError, ConnectionError),
        (ReadTimeoutError, TimeoutError),
    ],
)
def test_caught_as_the_builtin_and_as_torchdatas_value_error(
    cls: type[ObjectStoreError], builtin: type[Exception]
) -> None:
    for caught_as in (builtin, ValueError, ObjectStoreError):
        with pytest.raises(caught_as):
            raise cls("x", url="s3://b/k")


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_class_text_and_facts(cls: type[ObjectStoreError], protocol: int) -> None:
    error = cls("It failed", url=AWKWARD_URL, status=400, code="X", request_id="1", attempts=3)
    for twin in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):
        assert type(twin) is cls
        assert str(twin) == str(error)
        assert facts(twin) == facts(error)


@pytest.mark.parametrize("cls", CLASSES)
def test_one_argument_rebuilds_from_a_printed_traceback(cls: type[ObjectStoreError]) -> None:
    """What torch does with an exception of a DataLoader worker."""
    try:
        try:
            raise missing_object()
        except ObjectStoreError as cause:
            raise cls("It failed", url=AWKWARD_URL, status=400, attempts=3) from cause
    except ObjectStoreError as error:
        raised = error
    rebuilt = cls("Caught it in a worker.\nOriginal " + "".join(traceback.format_exception(raised)))
    assert facts(rebuilt) == facts(raised)
    assert str(raised) in str(rebuilt)
    assert str(rebuilt).count(str(raised)) == 1


def test_facts_of_the_cause_are_not_taken_over() -> None:
    try:
        raise ConfigError("No luck.") from missing_object()
    except ConfigError as error:
        rebuilt = ConfigError("".join(traceback.format_exception(error)))
    assert rebuilt.url is None


def test_survives_a_message_that_is_not_ours() -> None:
    foreign = [
        "",
        "[",
        "[status: ]",
        "[status: x]",
        "[status: 007]",
        '[status: "open',
        "[status: 7",
    ]
    for text in (*foreign, '[code: "\\x"]', '[code: "\n"]', '[code: "\\u12"]'):
        error = ObjectNotFoundError(text)
        assert (error.status, error.code) == (None, None)


def test_datapipe_hook_can_append_to_the_message() -> None:
    """torch adds "This exception is thrown by __iter__ of ..." to args."""
    error = missing_object()
    error.args = (error.args[0] + "\nThis exception is thrown by __iter__ of Pipe(region='')",)
    twin = pickle.loads(pickle.dumps(error))
    assert str(twin) == str(error)
    assert facts(ObjectNotFoundError(str(error))) == facts(missing_object())


def test_torchdatas_url_messages_stay_verbatim() -> None:
    message = "The filename must start with the S3 scheme."
    assert str(InvalidURLError(message)) == message
    assert str(from_native("invalid_argument", message, url="x")).startswith(message + " [url")


def test_every_status_code_of_the_engine_has_a_class() -> None:
    names = re.findall(r"^  k([A-Z]\w*)", STATUS_H.read_text(), re.MULTILINE)
    kinds = {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() for name in names} - {"ok"}
    assert kinds == set(errors._CLASS_OF_KIND)
    of_python = {ArchiveError, ManifestError, ShardIndexError, StateError, TransformError}
    assert set(errors._CLASS_OF_KIND.values()) == set(CLASSES) - of_python


def test_advice_is_one_sentence_for_every_class_that_needs_it() -> None:
    for (cls, _), sentence in errors._ADVICE.items():
        assert cls in CLASSES
        assert sentence.endswith(".")
        assert "  " not in sentence
    speechless = {cls.__name__ for cls in CLASSES if not cls("x").advice}
    assert speechless == {"CancelledError", "ConfigError", "InvalidURLError", "StateError"}


def test_advice_follows_code_then_status_then_store() -> None:
    assert "DNS" in from_native("endpoint", "x", code="NameNotResolved", status=407).advice
    assert "HTTPS_PROXY" in from_native("endpoint", "x", code="Other", status=407).advice
    assert "AIS_ENDPOINT" in from_native("endpoint", "x", url="ais://b/k").advice
    assert "AIS_CLIENT_CA" in TLSError("x", url="gcp://b/k").advice
    assert "AWS_CA_BUNDLE" in TLSError("x", url="s3://b/k").advice


@pytest.mark.parametrize("code", ["ErrFailedTo", "ErrMissingBackend", "ErrInitBackend"])
def test_advice_where_the_cluster_lacks_the_backend(code: str) -> None:
    error = from_native("not_supported", "x", url="aws://b/k", status=404, code=code)
    assert error.advice == (
        "Check the provider in the URL; the cluster's own buckets begin with ais://."
    )


@pytest.mark.parametrize(
    ("url", "config", "lister", "loader"),
    [
        ("s3://b/k", S3Config, S3FileLister, S3FileLoader),
        ("ais://b/k", AISConfig, AISFileLister, AISFileLoader),
    ],
)
def test_advice_on_a_timeout_names_what_the_pipes_have(
    url: str, config: type, lister: type, loader: type
) -> None:
    advice = from_native("timeout", "x", url=url).advice
    always, _, when_loading = advice.partition(" when loading, ")
    options = set.intersection(
        *(set(inspect.signature(pipe).parameters) for pipe in (lister, loader))
    )
    assert set(re.findall(r"(\w+)=", always)) <= options | set(inspect.signature(config).parameters)
    assert re.findall(r"(\w+)=", when_loading) == ["timeout"]
    assert inspect.signature(loader).parameters["options"].annotation == "Unpack[ReadArguments]"
    assert "timeout" in ReadArguments.__annotations__


class RaisingDataset:
    """A map-style dataset whose every item is a missing object."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> object:
        raise missing_object()


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_data_loader_worker_hands_on_class_text_and_facts(start_method: str) -> None:
    data = pytest.importorskip("torch.utils.data")
    loader = data.DataLoader(RaisingDataset(), num_workers=1, multiprocessing_context=start_method)
    with pytest.raises(ObjectNotFoundError) as caught:
        next(iter(loader))
    assert facts(caught.value) == facts(missing_object())
    assert "DataLoader worker process 0" in str(caught.value)
    assert str(caught.value).count(caught.value.advice) == 1
