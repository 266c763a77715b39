"""Making a run: everything is checked first, and only then is anything written."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadRunConfig, EngineError
from engine.runs import files, paths, store
from engine.runs.seal import sealing

if TYPE_CHECKING:  # torch comes with it, and pages import this module
    from engine.configs import RunConfig
    from engine.models.check import ModelReport

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def create_run(
    config: RunConfig,
    data_path: Path,
    *,
    name: str | None = None,
    folder: Path | None = None,
) -> str:
    """Check the model, the data and their fit, then write the run's folder and row.

    Args:
        config: the settings, frozen from here on.
        data_path: the user's file; the run keeps a copy.
        name: what the user calls the run; unique.
        folder: where the run's files go instead of the data directory; new or empty.

    Returns:
        The id of the queued run; `start` sets it going.

    Raises:
        EngineError: the model, the data or the settings will not do; nothing was written then.
    """
    from engine.evidence.gates import sealed

    if name is not None:
        require_free_name(name)
    if folder is not None:
        folder = folder.expanduser().resolve()
        files.require_vacant(folder)
    data_path = data_path.expanduser()
    config = _anchored(config, data_path)
    report, config = preflight(config, data_path)
    config = sealed(_pinned(config, report), trained_context=report.context_tokens)
    run_id = paths.new_run_id()
    folder = folder or paths.default_folder(run_id)
    frozen = config.model_dump(mode="json")
    files.make_folder(folder, config=frozen, data=data_path)
    try:
        store.insert(run_id, folder, frozen, name=name, first=sealing(config.gates_sha256))
    except (EngineError, sqlite3.Error):
        files.delete_folder(folder, ours=False)
        raise
    return run_id


def require_free_name(name: str) -> None:
    """Check that a new run can be called `name`.

    Raises:
        BadRunConfig: the name cannot be used, or another run has it.
    """
    if not _NAME.fullmatch(name) or paths.is_run_id(name):
        raise BadRunConfig(
            f"A run cannot be named {name[:80]!r}.",
            "Use up to 64 letters, digits, '-', '_' and '.', starting with a letter or digit.",
        )
    if store.find(name=name) is not None:
        raise BadRunConfig(
            f"There is a run named {name!r} already.",
            f"Choose another name, or delete it with `python -m engine runs delete {name}`.",
        )


def _anchored(config: RunConfig, data_path: Path) -> RunConfig:
    """The config with references that stay true in another process and working directory."""
    from engine.data.ingest import bundled_datasets
    from engine.models.catalogue import bundled_models

    changes: dict[str, str] = {}
    bundled = {model.name for model in bundled_models()}
    if config.model not in bundled and Path(config.model).expanduser().is_dir():
        changes["model"] = str(Path(config.model).expanduser().resolve())
    if config.data not in bundled_datasets():
        changes["data"] = data_path.name
    return config.model_copy(update=changes)


def _pinned(config: RunConfig, report: ModelReport) -> RunConfig:
    """The config with what tells the original's weights from any others.

    Files here are read once. Of a Hub model that is not here yet, the commit says which they are;
    the Hub tells the hash where they are one file.
    """
    from engine.models.load import weights_sha256

    source, names = report.source, report.weight_files
    sha256 = source.sha256.get(names[0]) if len(names) == 1 else None
    if source.folder is not None:
        sha256 = weights_sha256([source.folder / name for name in names])
    return config.model_copy(update={"weights_sha256": sha256, "revision": source.revision})


def preflight(config: RunConfig, data_path: Path) -> tuple[ModelReport, RunConfig]:
    """Everything that can be known to fail before the work begins.

    Gives what the model is, and the config with the columns that the data was read by, so that
    going on reads it in the same way.
    """
    from engine.data.ingest import read_for
    from engine.models.check import check_model
    from engine.models.lengths import require_lengths
    from engine.models.memory import run_device
    from engine.services.convert import layers_to_convert

    task = read_for(config, data_path).task
    columns = (task.prompt_column, task.reference_column) if task else ("", "")
    config = config.model_copy(
        update=dict(zip(("prompt_column", "reference_column"), columns, strict=True))
    )
    report = check_model(config.model, finetune=config.recipe.finetune)
    layers_to_convert(config.kept, report.layers)
    for head in dict.fromkeys(report.heads):
        config.method.build(head)
    require_lengths(
        config, config.comparison.context_tokens, heads=report.heads, device=run_device(),
        context_tokens=report.context_tokens, learned_positions=report.learned_positions,
    )  # fmt: skip
    return report, config
