"""Open any model by name: bundled, folder or Hub id, original or converted."""

from __future__ import annotations

from pathlib import Path

from engine.models.load import Loaded
from engine.models.load import load as load_original
from engine.services.artifacts import is_converted, load_converted


def load(ref: str, *, device: str = "cpu", revision: str | None = None) -> Loaded:
    """Check and load a model, ready to run in eval mode and float32.

    Args:
        ref: a bundled name, a local folder (of an original or of a converted model), or a Hub id.
        device: where to put it, as torch names it.
        revision: commit of a Hub repository; None is its newest.

    Raises:
        ModelNotFound, UnsafeModel, UnsupportedArchitecture, OutOfMemory: before any weight is read.
    """
    folder = Path(ref).expanduser()
    return (
        load_converted(folder, device=device)
        if is_converted(folder)
        else load_original(ref, device=device, revision=revision)
    )
