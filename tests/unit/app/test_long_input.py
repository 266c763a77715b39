"""The texts that the live comparison offers, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest

from app import long_input
from app.pages import duel
from app.text import t
from engine.runs import live
from tests.support import example_runs as examples


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_texts_offered_fit_or_are_said_to_be_too_long(tmp_path: Path, lang: str) -> None:
    run, result = examples.run(folder=tmp_path), examples.comparison()
    near, far = long_input.fitting(run, result, lang), long_input.long(run, result, lang)
    assert near.tokens and near.limit == 2048
    assert 0.8 * near.limit < near.tokens <= near.limit - live.ANSWER_TOKENS and not near.beyond
    assert far.beyond and len(far.record.text) > 30_000
    said, near_said = (long_input.told(one, lang, whole=one.beyond) for one in (far, near))
    assert "ts-notice warn" in said and "ts-notice warn" not in near_said
    other = examples.run(folder=tmp_path, config={**run.config, "model": "owner/name"})
    unknown = long_input.fitting(other, result, lang)
    assert unknown.tokens is None and not unknown.beyond


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_notice_of_a_text_too_long_changes_with_the_box(
    tmp_path: Path, monkeypatch, lang: str
) -> None:
    run, result = examples.run(folder=tmp_path), examples.comparison()
    monkeypatch.setattr(duel.service, "get", lambda run_id: run)
    monkeypatch.setattr(duel.service, "comparison", lambda run_id: result.model_dump())
    text, whole, about = duel.offer(run.id, long=True, lang=lang)
    ticked, cut = t("watch.over_whole", lang), t("watch.over_cut", lang)
    assert whole is True and ticked in str(about) and cut not in str(about)
    unticked = duel.tick(run.id, str(text), False, lang=lang)
    assert cut in str(unticked) and ticked not in str(unticked)
    assert duel.tick(run.id, str(text), True, lang=lang) == about
    assert duel.tick(run.id, "My own text.", True, lang=lang) == gr.skip()
