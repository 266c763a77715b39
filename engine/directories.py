"""Where everything that belongs to the user lies on disk."""

from __future__ import annotations

import os
from pathlib import Path


def data_directory() -> Path:
    """`$T2R_STUDIO_DATA`, or `~/.local/share/t2r-studio`; created readable by its owner only.

    It holds users' texts and models, so it lies outside the project, the working directory and the
    system's temporary folder, all of which a web server may serve files from.
    """
    chosen = os.environ.get("T2R_STUDIO_DATA")
    folder = Path(chosen).expanduser() if chosen else Path.home() / ".local/share/t2r-studio"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder.resolve()


def models_directory() -> Path | None:
    """`$T2R_STUDIO_MODELS`, whose folders visitors of the pages may convert; None where the
    operator named none. It is the only place of this machine that a page takes a model from."""
    chosen = os.environ.get("T2R_STUDIO_MODELS")
    return Path(chosen).expanduser().resolve() if chosen else None
