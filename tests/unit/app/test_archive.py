"""The list of runs: found, compared, renamed, deleted, made again."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from app import contrast, refill
from app.archive import Archive
from app.pages import data, goal, history, model
from app.studio import Studio
from engine.errors import BadRunConfig, RunNotFound
from engine.evidence.verdict import Word
from engine.runs import service, store
from tests.support import example_runs as examples
from tests.support.example_seeds import trained
from tests.support.runs import make_run

pytestmark = pytest.mark.usefixtures("own_data")


@pytest.fixture(scope="module")
def archive() -> Archive:
    with gr.Blocks():
        return Archive(Studio("en", None))


def _two() -> tuple[str, str]:
    return make_run(name="first", state="done"), make_run(name="second", state="failed", steps=9)


def test_runs_are_found_by_words_and_state() -> None:
    first, second = _two()
    runs = service.list_runs()
    assert {r.id for r in history.found(runs, "", history.ANY) if not r.sample} == {first, second}
    assert [r.id for r in history.found(runs, "FIRST t2r", history.ANY)] == [first]
    assert [r.id for r in history.found(runs, "", history.STOPPED)] == [second]
    assert history.found(runs, "nothing like it", history.ANY) == []


def test_only_settings_that_differ_are_listed() -> None:
    one, other = examples.config(), examples.config(seed=1, method={"name": "t2r"})
    assert contrast.differing([one, other]) == [
        ("method.name", ["hybrid", "t2r"]),
        ("seed", [0, 1]),
    ]
    html = contrast.table(
        [("a", examples.run(config=one), examples.comparison()),
         (examples.EVIL, examples.run(config=other), None)], "ja",
    )  # fmt: skip
    assert "乱数シード" in html and "<img" not in html and "2.70" in html


@pytest.mark.parametrize(
    ("lang", "same", "differ"),
    [("en", "in all 3", "The seeds differ at"), ("ja", "3 件すべて", "結果が分かれた")],
)
def test_other_seeds_of_one_training_are_put_together(lang: str, same: str, differ: str) -> None:
    def html(*verdicts: Word) -> str:
        return contrast.table(
            [(examples.EVIL, examples.run(config=one.config), one.comparison)
             for one in (trained(n, verdict=word) for n, word in enumerate(verdicts))], lang,
        )  # fmt: skip

    alike = html("no_go", "no_go", "no_go")
    assert same in alike and differ not in alike and "<img" not in alike
    assert "2.0" in alike
    assert differ in html("go", "no_go", "go")
    assert same not in html("go", "no_go", "go")
    alone = contrast.table([("a", examples.run(), examples.comparison())] * 2, lang)
    assert "95" not in alone.split("<table")[0]


def test_two_are_compared_and_fewer_are_not(archive: Archive) -> None:
    first, second = _two()
    told = archive.panel.told
    assert "steps" in archive.contrast([first, second])[told]
    assert "two runs or more" in archive.contrast([first])[told]


@pytest.mark.parametrize("name", ["夜間の要約 2", "b", "x" * 64])
def test_a_run_is_renamed_in_any_script(archive: Archive, name: str) -> None:
    first, _ = _two()
    updates = archive.rename([first], f" {name} ", "", history.ANY)
    assert service.get(first).name == name
    assert name in updates[archive.panel.table]


@pytest.mark.parametrize("name", ["", "second", "x" * 65, "a\nb", "20260101-000000000000"])
def test_a_name_that_cannot_be_is_refused(archive: Archive, name: str) -> None:
    first, _ = _two()
    with pytest.raises(BadRunConfig):
        service.rename(first, name)
    archive.rename([first], name, "", history.ANY)
    assert service.get(first).name == "first"


def test_deleting_asks_first_and_then_leaves_nothing(archive: Archive) -> None:
    first, second = _two()
    folder = store.get(first).folder
    asked = archive.ask([first])
    assert "Delete first?" in asked[archive.panel.told] and folder.is_dir()
    archive.delete([first], "", history.ANY)
    assert not folder.exists() and [r.id for r in store.every()] == [second]
    with pytest.raises(RunNotFound):
        service.get(first)


def test_a_sample_is_neither_deleted_nor_renamed(archive: Archive) -> None:
    sample = next(run for run in service.list_runs() if run.sample)
    told = archive.panel.told
    assert "cannot be changed" in archive.delete([sample.id], "", history.ANY)[told]
    assert "cannot be changed" in archive.rename([sample.id], "x", "", history.ANY)[told]


def test_every_update_is_declared(archive: Archive) -> None:
    first, second = _two()
    declared = set(archive.panel.outputs())
    for updates in (
        archive.filter("x", history.DONE),
        archive.contrast([]),
        archive.ask([]),
        archive.rerun([]),
        archive.ask([second]),
        archive.rename([first], "", "", "any"),
    ):
        assert set(updates) <= declared
    studio = archive.studio
    assert set(archive.rerun([first])) <= {*studio.outputs(), *studio.forms()}


def test_a_run_made_again_has_the_forms_it_was_made_with() -> None:
    form = {**goal.DEFAULTS, "quality_loss_percent": "1.5", "cost_ratio": "0.9", "use_case": "u",
            "documents_per_day": "800", "instance_price_per_hour": "2", "currency": "USD",
            "prices_date": "2026-11-01", "decode_speedup": ""}  # fmt: skip
    wanted = goal.read(list(form.values()), "en")
    config: dict[str, Any] = examples.config(**wanted, method={"name": "t2r"}, seed=7, model="a/b")
    again = refill.forms(examples.run(config=config), "en")
    assert goal.read(list(again.goal.values()), "en") == wanted
    assert (again.model, again.hub_id, again.method, again.seed) == (model.HUB, "a/b", "t2r", 7)
    assert again.data == "business-cases"


def test_an_own_file_can_be_used_again_from_the_runs_copy() -> None:
    first, _ = _two()
    again = refill.forms(service.get(first), "en")
    assert again.data == f"{data.OF_RUN}{first}" and again.data in dict(
        map(reversed, again.data_choices)
    )
    assert data.chosen_file(data.Chosen(again.data, None, {}), "en").read_text() == "text"
    with pytest.raises(RunNotFound):
        data.chosen_file(data.Chosen(f"{data.OF_RUN}../../etc", None, {}), "en")


def test_how_a_file_was_read_is_refilled_too() -> None:
    config = examples.config(text_column="本文", encoding="euc-jp", mask_personal_data=True)
    again = refill.forms(examples.run(config=config), "en")
    assert (again.encoding, again.mask) == ("euc-jp", True)
    assert {name for name, column in again.columns.items() if column} == {"text_column"}
    assert again.columns["text_column"] == "本文"
