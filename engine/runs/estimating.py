"""What a run would take, before it is made: a dry run in a process of its own, scaled.

    python -m engine.runs.estimating   # settings and file as JSON on standard input

Nothing is written but what the Hub's own cache keeps of a model that had to be downloaded.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from engine.errors import EngineError, RunBusy
from engine.runs import aside, locks, paths

if TYPE_CHECKING:  # torch comes with it, and pages import this module
    from engine.configs import RunConfig

MODULE = "engine.runs.estimating"


def watch(config: RunConfig, data: Path) -> Iterator[dict[str, Any]]:
    """Make a dry run: {"kind": "progress", "part": ...} as it goes, then {"kind": "estimate",
    "dry": ..., "recipes": {name: ...}}, see `engine.evidence.estimate`.

    With a named recipe there is an estimate for each of them, from the one dry run.

    Args:
        config: the settings of a run.
        data: the file with the text.

    Raises:
        RunBusy: a run is at work on this machine: both would be timed wrongly.
        EngineError: the model, the data or the settings will not do.
    """
    given = {"config": config.model_dump(mode="json"), "data": str(data.expanduser().resolve())}
    ended = False
    for said in aside.listen_to(MODULE, [], json.dumps(given)):
        ended = said["kind"] == "estimate"
        yield said
    if not ended:
        raise EngineError(
            "The dry run ended before it had an answer; perhaps the memory ran out.",
            "Choose a smaller model, or close other programs.",
        )


def _answer(given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """In the process of its own."""
    lane = locks.FileLock.take(paths.lane_lock())
    if lane is None:
        raise RunBusy(
            "A run is at work on this machine; a dry run beside it would time both.",
            "Wait until it has ended.",
        )
    try:
        from engine.configs import RECIPES, RunConfig, recipe_for
        from engine.evidence.estimate import estimate
        from engine.models.memory import run_device
        from engine.runs.creation import preflight
        from engine.services.estimate import dry_run

        config, data = RunConfig.model_validate(given["config"]), Path(given["data"])
        yield {"kind": "progress", "part": "checking"}
        _, config = preflight(config, data)
        started_s = time.time() - psutil.Process().create_time()
        yield {"kind": "progress", "part": "training"}
        dry = dry_run(config, data, device=run_device(), started_s=started_s)
        recipes = {config.recipe_name: config.recipe}
        if config.recipe_name in RECIPES:
            recipes = {name: recipe_for(name, config.method.name) for name in RECIPES}
        found = {
            name: estimate(
                dry, recipe, config.comparison, name=name, prices=config.goal.prices
            ).model_dump(mode="json")
            for name, recipe in recipes.items()
        }  # fmt: skip
        yield {"kind": "estimate", "dry": dry.model_dump(mode="json"), "recipes": found}
    finally:
        lane.release()


def main() -> int:
    """Answer for the settings on standard input."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    return aside.answer(_answer(json.loads(sys.stdin.read())))


if __name__ == "__main__":
    sys.exit(main())
