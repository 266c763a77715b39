"""Failures to write, told as what they are: a full disk, most of the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from engine.errors import EngineError


@contextmanager
def saving(what: str) -> Iterator[None]:
    """Within: a write that fails becomes an `EngineError`, whichever library was writing `what`."""
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        # torch's writer has no error of its own; the source file it names is the only mark.
        if isinstance(error, RuntimeError) and "inline_container" not in str(error):
            raise
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        raise EngineError(
            f"{what} cannot be saved: {reason.splitlines()[0][:200]}.",
            "Free some disk space where the runs are kept, then resume the run.",
        ) from error
