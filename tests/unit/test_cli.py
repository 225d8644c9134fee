"""The command line before it does anything: arguments, exit codes, texts."""

from __future__ import annotations

import shlex
import subprocess
import sys
from importlib.machinery import ModuleSpec

import pytest

from objectpipes import cli
from objectpipes.cli import requirements
from objectpipes.cli.output import human_size, one_paragraph, print_table, printable
from objectpipes.errors import ObjectNotFoundError


def usage_error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as exit_info:
        cli.main(arguments)
    assert exit_info.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_help_loads_neither_torch_nor_the_engine() -> None:
    program = (
        "import sys\n"
        "from objectpipes import cli\n"
        "try: cli.main([*sys.argv[1:], '--help'])\n"
        "except SystemExit: pass\n"
        "print(*{'torch', 'botocore', 'tqdm', 'objectpipes._ext'} & set(sys.modules))"
    )
    for command in ([], ["ls"], ["cat"], ["bench"], ["doctor"], ["demo"], ["completion"]):
        output = subprocess.check_output([sys.executable, "-c", program, *command], text=True)
        assert output.startswith("usage: objectpipes")
        assert output.splitlines()[-1] == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required"),
        (["ls"], "URL"),
        (
            ["ls", "ftp://bucket"],
            "expected s3://bucket/... or ais://bucket/..., not 'ftp://bucket'",
        ),
        (["ls", "bucket/key"], "ais://bucket/..., not 'bucket/key'"),
        (["cat"], "URL"),
        (["completion", "fish"], "invalid choice: 'fish'"),
        (["doctor"], "one of the arguments URL --install is required"),
        (["bench", "s3://bucket", "--workers", "-1"], "expected a whole number from 0 on"),
        (["bench", "s3://bucket", "--prefetch-bytes", "64X"], "such as 64M, not '64X'"),
        (["bench", "s3://bucket", "--prefetch-bytes", "0"], "such as 64M, not '0'"),
    ],
)
def test_arguments_that_make_no_sense_are_usage_errors(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert complaint in usage_error(capsys, *arguments)


def test_a_configuration_that_cannot_work_is_a_failure_in_one_paragraph(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["ls", "s3://bucket", "--endpoint-url", "ftp://host"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("objectpipes ls: endpoint_url does not have the form")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("command", ["bench", "demo"])
def test_what_only_an_extra_brings_is_named_when_it_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def without_torch(name: str) -> ModuleSpec | None:
        return None if name == "torch" else ModuleSpec(name, None)

    monkeypatch.setattr(requirements, "find_spec", without_torch)
    assert cli.main([command, "s3://bucket"] if command == "bench" else [command]) == 1
    error = capsys.readouterr().err
    assert "needs torch: pip install 'objectpipes[" in error


def test_a_message_is_without_the_tracebacks_of_workers_and_what_torch_adds() -> None:
    original = ObjectNotFoundError("The object does not exist.", url="s3://bucket/key")
    in_worker = ObjectNotFoundError(
        "Caught ObjectNotFoundError in DataLoader worker process 0.\nOriginal Traceback:\n"
        f"objectpipes.errors.ObjectNotFoundError: {original}\n"
        "This exception is thrown by __iter__ of S3FileLoaderIterDataPipe()\n"
    )
    assert one_paragraph(in_worker) == str(original)


def test_the_note_of_a_worker_is_no_part_of_the_message() -> None:
    note = "What to do about it: https://example.org/docs/errors/ObjectNotFoundError/#what-to-do"
    printed = f"objectpipes.errors.ObjectNotFoundError: The object does not exist.\n{note}\n"
    error = ObjectNotFoundError("Caught it in a worker.\nOriginal Traceback:\n" + printed)
    assert "example.org" not in one_paragraph(error)


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printable("é 日本.jpg") == "é 日本.jpg"
    assert printable("a\nb\x1b[31mc\\") == "a\\nb\\x1b[31mc\\"
    assert printable("\udcff") == "\\udcff"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (10239, "10.0 KiB"),
        (1023 * 1024, "1.00 MiB"),
        (150 * 1024**2, "150 MiB"),
        (5 * 1024**5, "5,120 TiB"),
    ],
)
def test_sizes_have_three_digits(size: int, text: str) -> None:
    assert human_size(size) == text


def test_columns_of_a_table_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("", "MB"), [("a", "1.5"), ("long", "1,000.0")])
    assert capsys.readouterr().out.splitlines() == [
        "           MB",
        "a         1.5",
        "long  1,000.0",
    ]


def test_the_help_begins_with_examples_and_ends_with_exit_codes() -> None:
    text = cli.parser().format_help()
    assert text.index("examples:") < text.index("exit codes:")
    examples = text[text.index("examples:") : text.index("positional arguments:")]
    for line in examples.splitlines()[1:]:
        arguments = line.split("   ")[0].split() if line.strip().startswith("objectpipes") else []
        if arguments:
            cli.parser().parse_args(shlex.split(" ".join(arguments))[1:])  # exits if it is wrong


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_completion_names_every_command(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for command in ("ls", "cat", "bench", "doctor", "demo"):
        assert command in script
