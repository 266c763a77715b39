"""The last step: three figures, money, votes and risks, as the numbers have them."""

from __future__ import annotations

import html as markup
import random
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app import kpis, risks, worth
from app.pages import goal, money, vote
from app.text import t
from engine.configs import AcceptanceGates, RunConfig
from engine.evidence.gates import sealed
from engine.evidence.judging import judge
from engine.evidence.results import Comparison
from engine.evidence.votes import count, shuffled
from engine.runs import store
from engine.services.jsonfile import write_json
from tests.support import example_runs as examples
from tests.support.runs import make_run

PRICES: dict[str, str] = {
    "context_tokens": "2048", "documents_per_day": "20000", "latency_limit_s": "60",
    "currency": "JPY", "prices_date": "2026-11-25", "instance_price_per_hour": "100",
}  # fmt: skip


def _judged(**changes: Any) -> Comparison:
    """The example with a verdict, its repeats and documents told one by one."""
    content = examples.comparison(**changes).model_dump()
    rng = random.Random(0)
    for phase in ("decode", "prefill"):
        for party in ("original", "converted"):
            for point in content["speed"][phase][party]:
                tokens = 16 if phase == "decode" else point["context_tokens"]
                one = tokens / point["tokens_per_s"]
                point["seconds"] = [one * rng.uniform(0.98, 1.02) for _ in range(5)]
    for party in ("original", "control", "converted"):
        content["quality"][party]["by_document"] = [
            {"document": i, "tokens": 900, "nats": 900 + rng.uniform(-3, 3)} for i in range(12)
        ]
    result = Comparison.model_validate(content)
    config = sealed(
        RunConfig(model="m", data="d", gates=AcceptanceGates(context_tokens=2048)),
        trained_context=2048,
    )
    found = judge(
        result.quality, result.recall, result.speed, result.memory, gates=config.gates,
        sha256=config.gates_sha256, length=2048,
    )  # fmt: skip
    return result.model_copy(update={"verdict": found})


def _run(**form: str):
    wanted = goal.read(list({**goal.DEFAULTS, **form}.values()), "en")
    frozen = RunConfig.model_validate({"model": "m", "data": "d", **wanted})
    return examples.run(config=frozen.model_dump(mode="json"))


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_three_tiles_with_interval_gate_and_mark(lang: str) -> None:
    html = kpis.tiles(_judged(), None, lang)
    assert html.count("ts-tile") - html.count("ts-tiles") == 3
    assert "n = 12" in html and "2,048" in html and "4.00 MiB" in html


def test_without_a_verdict_there_are_no_tiles() -> None:
    assert kpis.tiles(examples.comparison(), None, "en") == ""


def test_with_prices_the_third_tile_is_the_cost() -> None:
    result, run = _judged(), _run(**PRICES)
    found = money.of_run(run, result)
    assert found is not None
    html = kpis.tiles(result, found, "en")
    assert "Cost of 1,000 documents" in html and "¥" in html and "Generation speed" not in html


def test_a_conversion_that_makes_it_dearer_is_said_to() -> None:
    result = _judged()
    worse = result.speed.decode.model_copy(
        update={"original": result.speed.decode.converted, "converted": tuple(
            p.model_copy(update={"tokens_per_s": p.tokens_per_s / 4, "p10": p.p10 / 4,
                                 "p90": p.p90 / 4})
            for p in result.speed.decode.converted)}
    )  # fmt: skip
    slow = result.model_copy(update={"speed": result.speed.model_copy(update={"decode": worse})})
    found = money.of_run(_run(**PRICES), slow)
    assert found is not None
    assert worth.headline(found, "en").startswith("Converting makes serving dearer")
    assert "増えます" in worth.headline(found, "ja")
    assert "takes longer for each" in worth.told(found, "en")


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_case_and_assumption_is_told(lang: str) -> None:
    found = money.of_run(_run(**PRICES), _judged())
    assert found is not None
    html = worth.told(found, lang)
    assert html.count("<tr") == 9 and "{" not in html
    assert len(worth.assumptions(found, lang)) == 6
    # Low, base and high are explained where they stand, not in what is folded away.
    told = html.index(t("worth.cases", lang)[:20])
    assert html.index("<table") < told < html.index("<details")


def test_no_prices_no_money() -> None:
    assert money.of_run(_run(), _judged()) is None
    assert "No money figures" in worth.told(None, "en")


def test_nothing_is_guessed_beyond_the_lengths_measured() -> None:
    form = {**{name: goal.DEFAULTS[name] for name in money.FIELDS}, **PRICES}
    with gr.Blocks():
        panel = money.build("en")

    def tried(**changes: str) -> list[object]:
        shown = money.tried(panel, _judged(), list({**form, **changes}.values()), "en")
        assert len(shown) == len(panel.figures()) + 1
        return shown

    inside = tried()
    assert "Tried out" in str(inside[0]) and "<table" in str(inside[0])
    assert inside[1] == gr.update(visible=True) and "month" in str(inside[3])
    far = tried(context_tokens="99999")
    assert "99,999 tokens were asked for, 512 to 8,192 were measured" in str(far[0])
    bad = tried(latency_limit_s="soon")
    assert "Answer expected within" in str(bad[0])
    assert far[1] == bad[1] == gr.update(visible=False)
    assert inside[-1]["value"] is True and bad[-1]["value"] is False, "what the report may take"


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_risks_depend_on_what_was_measured(lang: str) -> None:
    whole = risks.rows(examples.run(), examples.comparison(), lang)
    quality = examples.comparison().quality.model_copy(update={"control": None})
    recall = examples.comparison().recall.model_copy(update={"original": None, "converted": None})
    without = examples.comparison().model_copy(update={"quality": quality, "recall": recall})
    less = risks.rows(examples.run(), without, lang)
    assert len(less) == len(whole) + 1 and all("{" not in why for _, why in [*whole, *less])
    assert any("4,096" in why for _, why in whole)


@pytest.fixture
def voting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    run_id = make_run()
    answers = [(f"prompt {i}", f"theirs {i}", f"{examples.EVIL} {i}") for i in range(8)]
    pairs = shuffled([*answers, ("p", "same", "same")], seed=1)
    write_json(store.get(run_id).folder / "pairs.json", pairs.model_dump(mode="json"))
    return run_id


def test_the_vote_is_blind_counts_once_and_knows_when_it_is_too_few(voting: str) -> None:
    shown, number, _, counted, _ = vote.values(voting, "en")
    assert "converted" not in str(shown).lower() and "<img" not in str(shown)
    assert "Not enough votes yet" in str(counted) and "1 more prompt" in str(counted)
    for _ in range(8):
        _, number, _, counted, _ = vote.cast(voting, str(number), None, choice="left", lang="en")
    shown, number, _, counted, _ = vote.values(voting, "ja")
    assert number == "" and "すべての組に投票しました" in str(shown)
    assert "n" not in str(number) and "95%" in str(counted)


def test_a_vote_that_cannot_be_counted_is_explained(voting: str) -> None:
    found = vote.cast(voting, "99", None, choice="left", lang="en")
    assert "These settings do not work" in str(found[3])


def test_a_run_without_pairs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    assert "no pairs to vote on" in str(vote.values(make_run(), "en")[0])


def test_votes_on_a_sample_are_the_visitors_own_and_stored_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    pairs = shuffled([(f"p{i}", f"o{i}", f"c{i}") for i in range(3)], seed=1)
    monkeypatch.setattr(vote.ballot, "pairs", lambda _: pairs)
    tried: object = {}
    for number in ("1", "2"):
        shown, _, _, counted, tried = vote.cast(
            "sample-bundled", number, tried, choice="tie", lang="en"  # pyright: ignore
        )
    assert tried == {1: "tie", 2: "tie"} and "Pair 3 of 3" in str(shown)
    assert "for you alone" in str(counted)
    assert "Pair 1 of 3" in str(vote.values("sample-bundled", "en")[0]), "another visitor's"
    assert "no vote" in str(vote.cast("sample-bundled", "1", {}, choice="all", lang="en")[3])


@pytest.mark.parametrize(
    ("lang", "one", "two"),
    [("en", "One vote preferred a side; the converted model's share is 0 %",
      "The converted model won 50 % of the 2 votes that preferred a side"),
     ("ja", "優劣をつけた票はまだ 1 票で、変換後の得票率は 0%", "優劣をつけた 2 票のうち")],
)  # fmt: skip
def test_a_single_vote_is_told_in_the_singular(lang: str, one: str, two: str) -> None:
    every = shuffled([("a", "b", "c"), ("d", "e", "f")], seed=0)
    first, second = every.pairs
    lost = "right" if first.converted_side == "left" else "left"
    told = vote.told(count(every, {1: lost}), lang)
    assert one in markup.unescape(told)
    told = vote.told(count(every, {1: lost, 2: second.converted_side}), lang)
    assert two in markup.unescape(told)
