"""What only some commands need, and who installs it."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["require"]


def require(extra: str, *modules: str) -> None:
    """Check that what an extra of this package brings is there.

    Raises
    ------
    ModuleNotFoundError
        It is not; says how to get it.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise ModuleNotFoundError(
            f"This needs {', '.join(missing)}: pip install 'objectpipes[{extra}]'."
        )
