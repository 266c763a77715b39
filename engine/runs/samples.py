"""Finished runs that come with the project, read through the same functions as the user's own.

A sample is a folder `assets/samples/<name>/` with `run.json` (a `Run` as `Run.as_json` writes it),
`events.json` (a list of stored events), `comparison.json` and the converted model in `converted/`;
where the run has them, its pairs for the blind vote (`pairs.json`) and its `controls.json`.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import RunNotFound
from engine.runs import paths
from engine.runs.records import Run, RunEvent


def _folder(run_id: str) -> Path:
    folder = paths.SAMPLES / run_id.removeprefix("sample-")
    if not (folder / "run.json").is_file():
        raise RunNotFound(
            f"There is no sample run {run_id!r}.", "List the runs with `python -m engine runs`."
        )
    return folder


def get(run_id: str) -> Run:
    """The sample with that id (`sample-<name>`).

    Raises:
        RunNotFound: no sample has the id.
    """
    folder = _folder(run_id)
    values: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))
    values.pop("owner", None)  # written by 0.1
    values.update(id=run_id, folder=folder, sample=True)
    return Run(**values)


def every() -> list[Run]:
    """All samples, by name."""
    if not paths.SAMPLES.is_dir():
        return []
    names = sorted(path.parent.name for path in paths.SAMPLES.glob("*/run.json"))
    return [get(f"sample-{name}") for name in names]


def named(name: str) -> Run | None:
    """The sample whose run has that name; None where there is none."""
    return next((run for run in every() if run.name == name), None)


def events(run_id: str) -> list[RunEvent]:
    """The sample's events, in order."""
    stored = json.loads((_folder(run_id) / "events.json").read_text("utf-8"))
    return [RunEvent(**event) for event in stored]


def export(run: Run, run_events: list[RunEvent], folder: Path) -> None:
    """Write a finished run as a sample; who ran it, where, and its process stay behind."""
    values = run.as_json()
    for private in ("id", "folder", "pid", "process_started", "heartbeat", "sample"):
        del values[private]
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in (
        ("run.json", values),
        ("events.json", [asdict(event) for event in run_events]),
        ("comparison.json", json.loads((run.folder / "comparison.json").read_text("utf-8"))),
    ):
        text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("pairs.json", "controls.json"):
        if (run.folder / name).is_file():
            shutil.copyfile(run.folder / name, folder / name)
    if (run.folder / "converted").is_dir():  # so that the sample's models can be tried as well
        shutil.copytree(run.folder / "converted", folder / "converted", dirs_exist_ok=True)
