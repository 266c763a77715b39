"""A report says what comparison.json says, in both languages, and never more than that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.evidence.rounding import significant
from engine.evidence.verdict import GateVerdict, fewest_more, overall
from engine.evidence.votes import VotePair, VotePairs
from engine.report.content import content
from engine.report.model import Report
from engine.report.source import gather, place_less
from engine.report.words import LANGS, Words
from tests.support import example_reports as examples


def _told(run: Any, lang: Any = "en", money: Any = None) -> str:
    return "\n".join(examples.strings(content(gather(run, money), lang)))


@pytest.mark.parametrize("lang", LANGS)
def test_the_headline_numbers_are_those_of_the_file(run, lang) -> None:
    stored = json.loads((run.folder / "comparison.json").read_text())
    gates = {gate["gate"]: gate for gate in stored["verdict"]["gates"]}
    quality, memory, speed = content(gather(run), lang).figures
    words = Words(lang)
    assert quality.number == gates["quality"]["value"]
    assert (
        memory.number
        == gates["memory"]["value"]
        == pytest.approx(
            stored["memory"]["converted"][2]["cache_bytes"]
            / stored["memory"]["original"][2]["cache_bytes"]
        )
    )
    assert speed.number == gates["speed"]["value"]
    assert words.percent(gates["quality"]["value"], 2, sign=True) == quality.value
    for figure, gate in ((quality, "quality"), (speed, "speed")):
        high = gates[gate]["interval"]["high"]
        shown = words.percent(high, 2, sign=True) if gate == "quality" else words.times(high)
        assert shown in figure.interval
        assert str(gates[gate]["interval"]["n"]) in figure.interval


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_is_held_against_an_original_that_only_guesses(tmp_path: Path, lang) -> None:
    made = examples.comparison()
    guessing = made.quality.original.model_copy(update={"perplexity": 315_335.0})
    quality = made.quality.model_copy(update={"original": guessing, "vocabulary": 1462})
    run = examples.finished_run(tmp_path / "run", examples.comparison(quality=quality))
    figure = content(gather(run), lang).figures[0]
    assert (figure.number, figure.value) == (None, "–")
    assert ("guess" if lang == "en" else "当て推量") in _told(run, lang)


@pytest.mark.parametrize("lang", LANGS)
def test_charts_and_tables_hold_the_numbers_of_the_file(run, lang) -> None:
    stored = json.loads((run.folder / "comparison.json").read_text())
    report = content(gather(run), lang)
    memory, decode = report.charts
    for place, party in enumerate(("original", "converted")):
        points = stored["memory"][party]
        assert memory.series[place].y == tuple(p["cache_bytes"] / 2**20 for p in points)
        speeds = stored["speed"]["decode"][party]
        assert decode.series[place].y == tuple(p["tokens_per_s"] for p in speeds)
        assert decode.series[place].low == tuple(p["p10"] for p in speeds)
    every = examples.strings(report)
    for party in ("original", "control", "converted", "swapped_untrained"):
        assert significant(stored["quality"][party]["perplexity"]) in every
    for point in stored["recall"]["converted"]["by_distance"]:
        assert f"{point['correct']} / {point['n']}" in every
    for point in stored["memory"]["converted"]:
        assert f"{point['cache_bytes']:,}" in every
    assert stored["dataset"]["sha256"] in every
    assert stored["answers"]["converted"]["weights_sha256"] in every


def test_gates_that_were_altered_give_no_verdict(run) -> None:
    stored = json.loads((run.folder / "comparison.json").read_text())
    stored["verdict"] |= {"verdict": "not_enough_evidence", "reason": "gates_changed",
                          "decided_by": [], "gates_state": "changed"}  # fmt: skip
    (run.folder / "comparison.json").write_text(json.dumps(stored))
    report = content(gather(run), "en")
    assert "altered" in report.sentence and "no Go and no No-Go" in report.meaning
    assert "not a verdict" in report.lines.bullets[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"loss_percent": 8.0}, ["No-Go", "predicts text worse than the control"]),
     ({"slower": 0.7}, ["No-Go", "it is slower: it generates at"]),
     ({"slower": 1.3}, ["it generates at 1.29x the original's speed", "on this machine"])],
)  # fmt: skip
def test_it_says_worse_where_it_is_worse(tmp_path: Path, changes, words) -> None:
    run = examples.finished_run(tmp_path / "other", examples.comparison(**changes))
    told = _told(run)
    for part in words:
        assert part in told


def test_a_tie_is_not_called_faster(tmp_path: Path) -> None:
    noisy = examples.comparison().model_dump(mode="json")
    for place, point in enumerate(noisy["speed"]["decode"]["converted"]):
        times = noisy["speed"]["decode"]["original"][place]["seconds"]
        point["seconds"] = [t * f for t, f in zip(times, (0.8, 1.3, 0.9, 1.15, 1.0))]
    made = examples.comparison(speed=noisy["speed"])
    told = _told(examples.finished_run(tmp_path / "other", made))
    assert "I would not call it faster or slower" in told


def test_peaks_and_a_control_that_learned_nothing_are_told(tmp_path: Path) -> None:
    made = examples.comparison().model_dump(mode="json")
    made["quality"]["control"]["perplexity"] = made["quality"]["original"]["perplexity"]
    for party, peak in (("original", 30), ("converted", 90)):
        for point in made["memory"][party]:
            point["peak_bytes"] = peak * 2**20
    changed = examples.comparison(quality=made["quality"], memory=made["memory"])
    told = _told(examples.finished_run(tmp_path / "other", changed))
    assert "needs more memory at its peak" in told and "3.00x at most" in told
    assert "control and original are the same here" in told


@pytest.mark.parametrize("lang", LANGS)
def test_money_is_told_with_its_basis_and_taken_from_the_inputs(tmp_path: Path, lang) -> None:
    run = examples.finished_run(tmp_path / "faster", examples.passing())
    source = gather(run, examples.MONEY)
    report = content(source, lang)
    assert source.money is not None
    base = source.money.cases[1]
    words = Words(lang)
    assert report.figures[2].number == base.converted.cost_per_1000_documents
    assert base.saving_per_month is not None
    amount = words.money(abs(base.saving_per_month), "JPY")
    assert amount in report.money.paragraphs[0]
    assert words.day("2026-11-25") in report.money.paragraphs[1]
    assert words("money.none") in content(gather(run), lang).money.paragraphs


def test_votes_are_told(run) -> None:
    pair = {"prompt_tail": "p", "left": "a", "right": "b", "converted_side": "left"}
    pairs = VotePairs(
        pairs=tuple(VotePair.model_validate({"number": n, **pair}) for n in range(1, 13)),
        same_answers=1,
    )
    (run.folder / "pairs.json").write_text(pairs.model_dump_json())
    (run.folder / "votes.json").write_text(json.dumps({str(n): "right" for n in range(1, 13)}))
    assert "people prefer the original" in _told(run)


def test_unprintable_and_reversing_characters_are_replaced(tmp_path: Path) -> None:
    made = examples.comparison().model_dump(mode="json")
    made["answers"]["original"]["text"] = examples.HOSTILE
    run = examples.finished_run(
        tmp_path / "other", examples.comparison(answers=made["answers"]), name="a\u202eb\x00"
    )
    told = _told(run)
    assert not {"\x00", "\x0b", "\u202e"} & set(told)
    assert "<script>alert(1)</script>" in told  # content is plain text: writers escape it


def test_a_folder_on_disk_is_named_without_its_path() -> None:
    assert place_less("/home/somebody/models/mine/") == "mine"
    assert place_less(r"C:\Users\somebody\mine") == "mine"
    assert place_less("owner/name") == "owner/name" and place_less("business-2k") == "business-2k"


def _timed(folder: Path, *ratios: tuple[float, float]) -> Report:
    """A report whose decode was timed at two lengths: converted / original speed of each start."""
    content_ = examples.comparison().model_dump(mode="json")
    decode = content_["speed"]["decode"]
    for party in ("original", "converted"):
        decode[party] = decode[party][:2]
        for point, found in zip(decode[party], ratios):
            times = [1.0] * 6 if party == "original" else [1 / found[i % 2] for i in range(6)]
            point |= {"seconds": times, "starts": list(range(6)), "repeats": 6,
                      "out_of_memory": False, "tokens_per_s": 1 / times[0]}  # fmt: skip
    made = examples.comparison(speed=content_["speed"])
    return content(gather(examples.finished_run(folder, made)), "en")


def test_a_speed_is_called_faster_only_where_the_interval_says_so(tmp_path: Path) -> None:
    shown = _timed(tmp_path / "a", (1.4, 1.5), (0.6, 2.2)).charts[1].reading
    assert "Faster at 512 tokens." in shown and "No difference is shown at 1,024 tokens." in shown
    nowhere = _timed(tmp_path / "b", (0.7, 1.6), (0.6, 2.2)).charts[1].reading
    assert nowhere.startswith("No difference in speed is shown at any length measured")


@pytest.mark.parametrize("lang", LANGS)
def test_uneven_documents_need_a_range_and_those_not_scored_are_told(tmp_path: Path, lang) -> None:
    words = Words(lang)
    made = examples.comparison()
    assert made.verdict is not None
    uneven = {"estimate": 0.0, "low": -2.0, "high": 10.0, "n": 10}

    def remark(more: int | None, unscored: int = 0) -> str:
        gate = GateVerdict.model_validate({
            "gate": "quality", "verdict": "not_enough_evidence", "reason": "crosses", "limit": 3.0,
            "value": 0.0, "interval": uneven, "unit": "documents", "more": more,
            "unscored": unscored,
        })  # fmt: skip
        verdict = overall([gate], "frozen", "a" * 64)
        run = examples.finished_run(
            tmp_path / f"{more}-{unscored}", made.model_copy(update={"verdict": verdict})
        )
        return content(gather(run), lang).gates[0].remark

    fewest = fewest_more(GateVerdict.model_validate({
        "gate": "quality", "verdict": "not_enough_evidence", "reason": "crosses", "limit": 3.0,
        "interval": uneven, "unit": "documents",
    }))  # fmt: skip
    assert fewest is not None
    most = words.counted("unit.more_documents", 500)
    assert remark(500) == words("why.more_range", low=words.count(fewest), n=most)
    least = words.counted("unit.more_documents", fewest)
    assert remark(None) == words("why.more_at_least", n=least)
    assert words.counted("why.unscored", 7) in remark(500, 7)


def test_doubts_about_the_data_come_first_and_the_purpose_stands_on_top(tmp_path: Path) -> None:
    run = examples.finished_run(tmp_path, examples.comparison())
    source = gather(run)
    wanted = replace(source, config={**source.config, "goal": {"use_case": "Minutes of meetings"}})
    report = content(wanted, "en")
    assert report.facts[0] == ("What it is for", "Minutes of meetings")
    assert report.risks.bullets[0].startswith("Of 1 of 41 held-out documents half or more")
    assert any("Leak: of 1 of 41" in str(annex.paragraphs) for annex in report.annexes)
