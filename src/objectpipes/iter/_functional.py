"""Functional forms of our pipes: ``pipe.list_files_by_s3(...)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ._base import IterDataPipe

PipeClass = TypeVar("PipeClass", bound=type)


def functional_form(name: str) -> Callable[[PipeClass], PipeClass]:
    """Add a method to `IterDataPipe` that makes a pipe of this class on top of it.

    Unlike torch's ``functional_datapipe`` it sets an ordinary attribute. Torch's register refuses a
    name that is taken, so torchdata <= 0.9, which has pipes with the same names, could not be
    imported into the same process, before or after this package.
    """

    def set_method(pipe_class: PipeClass) -> PipeClass:
        def make(self: Any, *args: Any, **kwargs: Any) -> Any:
            return pipe_class(self, *args, **kwargs)

        make.__name__ = name
        make.__qualname__ = f"IterDataPipe.{name}"
        make.__doc__ = pipe_class.__doc__
        setattr(IterDataPipe, name, make)
        return pipe_class

    return set_method
