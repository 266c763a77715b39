"""The files of a run: made whole or not at all, and removed without touching anything else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from engine.errors import BadRunConfig
from engine.services.jsonfile import write_json

FILES = (
    "config.json", "comparison.json", "timings.json", "pairs.json", "votes.json", "controls.json",
    "controls-progress.json", "worker.log", "lock",
)  # fmt: skip
FOLDERS = (
    "data", "converted", "control", "checkpoint", "reports", ".converted.part", ".control.part",
)  # fmt: skip
"""Of a run; those with a dot are what a killed worker leaves of a model it was saving."""
PATTERNS = ("comparison-*.json", ".*.json." + "[0-9a-f]" * 32)
"""Earlier comparisons, and what is left of a JSON file whose writer was killed."""


def require_vacant(folder: Path) -> None:
    """Check that `folder` can become a run's folder.

    Raises:
        BadRunConfig: it holds something already, or is a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadRunConfig(
            f"{folder} exists already and is not an empty folder.",
            "Give another place with --out, or delete that run first.",
        )


def make_folder(folder: Path, *, config: dict[str, Any], data: Path) -> None:
    """Fill a run's new folder with its frozen config and its copy of the user's file."""
    existed = folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        (folder / "data").mkdir(mode=0o700)
        shutil.copyfile(data, folder / "data" / data.name)
        write_json(folder / "config.json", config)
        (folder / "lock").touch(mode=0o600)
    except OSError:
        delete_folder(folder, ours=not existed)
        raise


def delete_folder(folder: Path, *, ours: bool) -> None:
    """Remove a run's files; the folder too if it is `ours` or nothing else is left in it."""
    if ours:
        shutil.rmtree(folder)
        return
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    found = [file for pattern in PATTERNS for file in folder.glob(pattern)]
    for file in [*map(folder.joinpath, FILES), *found]:
        file.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
