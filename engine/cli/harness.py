"""A run's models under EleutherAI's lm-evaluation-harness: `python -m engine.cli.harness --help`.

The harness is no part of the requirements: `pip install -r requirements-harness.txt`. Its tasks may
fetch data from the Hugging Face Hub; one of your own (`--include FOLDER`) needs no network.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.cli.log import log_file
from engine.errors import Cancelled, EngineError
from engine.runs import service
from engine.runs.boundary import boundary
from engine.runs.records import Run

PARTIES = ("converted", "control", "original")


def evaluate(
    ref: str,
    tasks: Sequence[str],
    *,
    limit: int | None = None,
    batch_size: int = 1,
    include: Path | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """The harness's own results of one model, by task.

    Args:
        ref: a bundled name, a folder (original or converted), or a Hub id.
        tasks: names of the harness's tasks, or of those in `include`.
        limit: documents per task at most; None takes all.
        batch_size: documents at once.
        include: a folder with task files of one's own (YAML).
        device: where the model runs, as torch names it.

    Raises:
        EngineError: the harness is not installed, a task is unknown, or the model cannot be loaded.
    """
    try:
        harness = importlib.import_module("lm_eval")
        models = importlib.import_module("lm_eval.models.huggingface")
        known = importlib.import_module("lm_eval.tasks")
    except ImportError as error:
        raise EngineError(
            f"lm-evaluation-harness cannot be used: {error}.",
            "Install it: pip install -r requirements-harness.txt",
        ) from error
    manager = known.TaskManager(include_path=str(include) if include else None)
    if unknown := sorted(set(tasks) - set(manager.all_tasks)):
        raise EngineError(
            f"The harness knows no task {', '.join(unknown)}.",
            "See `lm-eval ls tasks`, or give a folder with task files by --include.",
        )
    from engine.services.open import load

    loaded = load(ref, device=device)
    model = models.HFLM(
        pretrained=loaded.model, tokenizer=loaded.tokenizer, backend="causal",
        max_length=loaded.context_tokens, batch_size=batch_size, device=device,
    )  # fmt: skip
    found = harness.simple_evaluate(
        model=model, tasks=list(tasks), limit=limit, task_manager=manager, log_samples=False,
        bootstrap_iters=1000,
    )  # fmt: skip
    return {task: dict(values) for task, values in found["results"].items()}


def _ref(run: Run, party: str) -> str:
    """What the run's model of that name is loaded from.

    Raises:
        EngineError: the run has no such model.
    """
    if party == "original":
        return str(run.config["model"])
    folder = run.folder / party
    if not folder.is_dir():
        raise EngineError(f"The run has no {party} model.", "Let it finish, or name another party.")
    return str(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.cli.harness", description=__doc__)
    parser.add_argument("run", help="id, name or folder of a run")
    parser.add_argument("--tasks", required=True, metavar="T,T", help="names of tasks")
    parser.add_argument(
        "--party", choices=(*PARTIES, "all"), default="all", help="which model (default: all)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="documents per task at most")
    parser.add_argument("--batch-size", type=int, default=1, metavar="N")
    parser.add_argument("--include", type=Path, metavar="FOLDER", help="task files of your own")
    parser.add_argument("--device", default="cpu")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate, print one JSON document {party: {task: results}}, and give the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with log_file() as place, boundary(place):
            run = service.find(options.run)
            absent = not (run.folder / "control").is_dir()
            wanted = [p for p in PARTIES if not (p == "control" and absent)]
            results = {
                party: evaluate(
                    _ref(run, party), options.tasks.split(","), limit=options.limit,
                    batch_size=options.batch_size, include=options.include, device=options.device,
                )
                for party in (wanted if options.party == "all" else [options.party])
            }  # fmt: skip
    except EngineError as error:
        sys.stderr.write(f"error: {error.message}\nhint: {error.hint}\n")
        return 130 if isinstance(error, Cancelled) else 2
    sys.stdout.write(json.dumps(results, indent=1, default=str) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
