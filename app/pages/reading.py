"""The choices on the last step: what a click shows of the comparison of the run on show."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from app import problems
from engine.errors import EngineError
from engine.evidence.results import Comparison
from engine.runs import service

Make = Callable[[Comparison], list[object]]


def again(run_id: str, make: Make, outputs: int, lang: str) -> list[object]:
    """What `make` gives for the run's comparison; or, in the last of the outputs, why there is
    none.

    Args:
        run_id: the run on show.
        make: gives as many values as there are outputs, the last one HTML.
        outputs: how many there are.
        lang: of the page.
    """
    untouched: list[object] = [gr.skip()] * (outputs - 1)
    try:
        with problems.guard():
            content = service.comparison(run_id)
            if content is None:
                return [*untouched, gr.skip()]
            return make(Comparison.model_validate(content))
    except EngineError as error:
        return [*untouched, problems.box(error, lang)]
