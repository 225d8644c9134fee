"""No import inside a function escapes the lock that fork() takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import objectpipes

_PACKAGE = Path(objectpipes.__file__).parent
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def unlocked_imports(node: ast.AST, in_function: bool = False) -> Iterator[int]:
    """Yield the lines of imports that run in a function outside of ``with importing``."""
    if isinstance(node, _FUNCTIONS):
        in_function = True  # it may be called where the lock is not held
    elif isinstance(node, ast.With) and any(_names(i, "importing") for i in node.items):
        node = ast.Module([s for s in node.body if _defines_functions(s)], [])
    elif isinstance(node, ast.If) and _names(node, "TYPE_CHECKING"):
        node = ast.Module(node.orelse, [])
    if in_function and _imports(node):
        yield node.lineno  # type: ignore[attr-defined]
    for child in ast.iter_child_nodes(node):
        yield from unlocked_imports(child, in_function)


def _names(node: ast.If | ast.withitem, name: str) -> bool:
    test = node.test if isinstance(node, ast.If) else node.context_expr
    return isinstance(test, ast.Name) and test.id == name


def _defines_functions(statement: ast.stmt) -> bool:
    return any(isinstance(part, _FUNCTIONS) for part in ast.walk(statement))


def _imports(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__")
    return isinstance(node, (ast.Import, ast.ImportFrom))


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("import io", []),
        ("def f():\n    import io", [2]),
        ("async def f():\n    from os import path", [2]),
        (
            "class C:\n    def f(self):\n        try:\n            import io\n        finally: ...",
            [4],
        ),
        ("def f():\n    importlib.import_module('io')", [2]),
        ("def f():\n    with importing:\n        import io", []),
        ("def f():\n    with importing, suppress(ImportError):\n        import io", []),
        ("def f():\n    with importing:\n        importlib.import_module('io')", []),
        ("def f():\n    with importing:\n        def g():\n            import io", [4]),
        ("def f():\n    with other:\n        import io", [3]),
        ("if TYPE_CHECKING:\n    import io", []),
        ("def f():\n    if TYPE_CHECKING:\n        import io\n    else:\n        import os", [5]),
    ],
)
def test_finds_imports_without_the_lock(code: str, lines: list[int]) -> None:
    assert list(unlocked_imports(ast.parse(code))) == lines


def test_each_import_in_a_function_holds_the_lock() -> None:
    found = [
        f"{file.relative_to(_PACKAGE)}:{line}"
        for file in sorted(_PACKAGE.rglob("*.py"))
        for line in unlocked_imports(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert not found, "import at the top, or within `with importing:` of _importing.py"
