"""What a run is called."""

from __future__ import annotations

from typing import Any

import pytest

from app.pages import compare, history, live
from tests.support import example_runs as examples


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("named", [{"name": "Night shift"}, {"name": None}, {"sample": True}])
def test_a_run_has_one_name_on_every_page(lang: str, named: dict[str, Any]) -> None:
    run = examples.run(**named)
    name = history.title(run, lang)
    assert name in history.runs_table([run], lang)
    assert name in live.heading(run, lang)
    assert name in compare.head(run, examples.comparison(), lang)
