"""The pages of the documentation that are made from code: a hook of MkDocs.

Nothing in them is written by hand, so nothing can become untrue. A public name without a docstring,
an error class without a page and an environment variable without a meaning stop the build.
"""

import argparse
import os
import re
from collections.abc import Iterator

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from ci.docs import environment
from ci.paths import ROOT
from ci.table import repository
from objectpipes import cli, errors

# Public modules in the order of their pages, and what each is for.
_MODULES = {
    "objectpipes": "Reading and listing, without torch",
    "objectpipes.aio": "The same for asyncio",
    "objectpipes.iter": "The datapipes",
    "objectpipes.torch": "Datasets with state",
    "objectpipes.ray": "Ray Data",
    "objectpipes.webdataset": "Hooks for webdataset",
}
_BENCHMARKS = "benchmarks/results/results.svg"
_WAY = "\n\n![The way of one object](../images/way-of-an-object.svg)\n"
_SEARCH = 'data-md-component="search" aria-label="Search"'
_BLOB = f"https://github.com/{repository.owner()}/objectpipes/blob/main/"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and to each error's page the advice that the error itself gives."""
    package = griffe.load("objectpipes", search_paths=[ROOT / "src"])
    pages = {
        "reference/command-line.md": _command_line(),
        "reference/environment.md": _environment(),
        "errors/index.md": _errors(),
        "platforms.md": _from_root("platforms.md"),
        "explanation/architecture.md": _from_root("ARCHITECTURE.md").replace("\n", _WAY, 1),
        "images/benchmarks.svg": (ROOT / _BENCHMARKS).read_text(),
        **dict(_api(package)),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: object, config: MkDocsConfig, files: Files) -> str:
    """Append to the page of an error class the advice in its messages.

    Links out of the documentation are relative in the repository. On the site they lead to it.
    """
    del config, files
    markdown = markdown.replace("](../platforms.md", "](platforms.md")
    markdown = markdown.replace(f"](../../{_BENCHMARKS}", "](../images/benchmarks.svg")
    path = str(getattr(page, "file").src_uri)  # noqa: B009  MkDocs' Page has no useful type
    if "/" not in path:
        markdown = markdown.replace("](../", f"]({_BLOB}")
    name = re.fullmatch(r"errors/(\w+Error)\.md", path)
    if name is None:
        return markdown
    error = getattr(errors, name[1])
    rows = [(key[1], advice) for key, advice in errors._ADVICE.items() if key[0] is error]
    lines = [f"| {circumstance or 'otherwise'} | {advice} |" for circumstance, advice in rows]
    bases = ", ".join(f"`{base.__name__}`" for base in error.__mro__[1:-3])
    advice = "\n".join(["| server's code or store | advice in the message |", "|---|---|", *lines])
    also = f"\n\n`except` also catches it as: {bases}.\n"
    return markdown + also + (f"\n## What the message says\n\n{advice}\n" if rows else "")


def on_post_page(output: str, page: object, config: MkDocsConfig) -> str:
    """Name the search dialog for screen readers, and ask GitHub nothing when a page is read."""
    del page, config
    output = output.replace('data-md-component="search" role="dialog"', f'{_SEARCH} role="dialog"')
    return output.replace('class="md-source" data-md-component="source"', 'class="md-source"')


def _api(package: griffe.Object | griffe.Alias) -> Iterator[tuple[str, str]]:
    for name, title in _MODULES.items():
        relative = name.partition(".")[2]
        if relative and relative not in package.members:
            raise PluginError(f"there is no module {name}")
        module = package[relative] if relative else package
        exported = [item for item in module.exports or [] if not str(item).startswith("__")]
        blocks = [f"# {title}: `{name}`\n"]
        for item in map(str, exported):
            member = module.members.get(item)
            if member is None or (name == "objectpipes.iter" and not _is_ours(member)):
                continue  # a pipe of torch, which objectpipes.iter exports, too
            if member.is_module:
                continue  # has a page of its own
            if not member.docstring:
                raise PluginError(f"{name}.{item} is public and has no docstring")
            blocks.append(f"::: {name}.{item}\n")
        yield f"reference/{relative or 'objectpipes'}.md", "\n".join(blocks)


def _is_ours(member: griffe.Object | griffe.Alias) -> bool:
    return not isinstance(member, griffe.Alias) or member.target_path.startswith("objectpipes.")


def _command_line() -> str:
    os.environ["COLUMNS"] = "80"
    parser = cli.parser()
    parts = [f"# The command line\n\n```text\n{parser.format_help()}```\n"]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                parts.append(f"## `objectpipes {name}`\n\n```text\n{command.format_help()}```\n")
    return "\n".join(parts)


def _environment() -> str:
    if problems := list(environment.problems()):
        raise PluginError("; ".join(problems))
    return environment.page()


def _errors() -> str:
    rows = []
    for name in errors.__all__:
        if not (ROOT / "docs" / "errors" / f"{name}.md").exists():
            raise PluginError(f"docs/errors has no page for {name}")
        summary = (getattr(errors, name).__doc__ or "").partition("\n")[0]
        rows.append(f"| [{name}]({name}.md) | {summary} |")
    table = "\n".join(["| error | when |", "|---|---|", *rows])
    return (
        "# When it fails\n\nEvery error is an `ObjectStoreError` (and so a `ValueError`) with"
        " `url`, `status`, `code`, `request_id` and `attempts`, and its message says what to do."
        f"\n\n{table}\n"
    )


def _from_root(name: str) -> str:
    """Return a document of the repository's root, with its links to other files made absolute."""
    text = (ROOT / name).read_text()
    return re.sub(r"\]\((?!https?:|#)([^)]+)\)", rf"]({_BLOB}\1)", text)
