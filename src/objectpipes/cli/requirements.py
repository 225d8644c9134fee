"""Packages that only some commands need, and the extra that installs them."""

from __future__ import annotations

from importlib.util import find_spec


def require(extra: str, *modules: str) -> None:
    """Check that modules are installed. The error says which extra installs them."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise ModuleNotFoundError(
            f"This command needs {', '.join(missing)}: pip install 'objectpipes[{extra}]'."
        )
