"""The runs that differ from one by the seed of their training alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.runs import service
from engine.runs.records import Run

if TYPE_CHECKING:  # numpy comes with it
    from engine.evidence.seeds import Seeds, Trained


def of_run(run: Run) -> Seeds:
    """All finished runs like this one, its own included, put together.

    Raises:
        EngineError: it is not done, or there is no other seed of it.
    """
    from engine.evidence.seeds import alike_but_seed, over_seeds

    done = [run, *(one for one in service.list_runs() if one.id != run.id)]
    trained = [found for one in done if (found := _trained(one)) is not None]
    name = run.name or run.id
    for group in alike_but_seed(trained):
        if any(one.name == name for one in group):
            return over_seeds(group)
    raise EngineError(
        f"No finished run differs from {name} by the seed of its training alone.",
        "Make some: `python -m engine convert MODEL DATA --seeds 0,1,2` with the same settings.",
    )


def _trained(run: Run) -> Trained | None:
    """A run with what it measured; None where it is not done."""
    from engine.evidence.results import Comparison
    from engine.evidence.seeds import Trained

    found = service.comparison(run.id) if run.state == "done" else None
    if found is None:
        return None
    return Trained(run.name or run.id, run.config, Comparison.model_validate(found))
