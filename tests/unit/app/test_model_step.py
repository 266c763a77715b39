"""Step 3: the operator's folders by name, the catalogue's lights, the estimate in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app import launch, problems, refill
from app.pages import convert, data, estimate, goal, model, shelf
from app.text import t
from engine.errors import ModelNotFound, OutOfMemory
from engine.models import catalogue, memory
from engine.runs import estimating
from tests.support import example_runs as examples
from tests.support.models import CONTEXT_TOKENS, tiny_model, tiny_model_folder

GOAL = tuple(goal.DEFAULTS.values())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The operator's directory, with one model, a broken one, and links that lead out of it."""
    home, outside = tmp_path / "models", tmp_path / "outside"
    tiny_model_folder(home, "llama")
    (home / "broken").mkdir()
    (home / "broken" / "config.json").write_text("{}")
    (home / "broken" / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1")
    outside.mkdir()
    (outside / "config.json").write_text("{}")
    (home / "link").symlink_to(outside)
    (home / "empty").mkdir()
    monkeypatch.setenv("T2R_STUDIO_MODELS", str(home))
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    return home


def test_folders_of_the_operator_are_listed_by_name(home: Path) -> None:
    assert [one.name for one in catalogue.folder_models()] == ["broken", "tiny-llama"]
    broken, tiny = catalogue.folder_models()
    assert (broken.parameters, broken.context_tokens) == (None, None)
    assert tiny.parameters == tiny_model("llama").num_parameters()
    assert tiny.context_tokens == CONTEXT_TOKENS
    values = [value for _, value in model.choices("en")]
    assert "folder:tiny-llama" in values and "folder:link" not in values
    assert model.reference("folder:tiny-llama", "", "en") == str(home / "tiny-llama")


def test_without_a_directory_there_are_no_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("T2R_STUDIO_MODELS", raising=False)
    assert catalogue.folder_models() == ()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../outside", "link", "empty", "/etc", "tiny-llama/", "tiny-llama/.."]
)
def test_only_a_listed_name_opens_a_folder(home: Path, name: str) -> None:
    with pytest.raises(ModelNotFound):
        model.reference(f"folder:{name}", "", "en")


def test_the_check_of_a_folder_tells_no_path(home: Path) -> None:
    said = model.check("folder:tiny-llama", "", "en")
    assert "This model can be converted" in said and str(home) not in said
    broken = model.check("folder:broken", "", "en")
    assert 'role="alert"' in broken and "broken" in broken and str(home) not in broken
    assert str(home) not in problems.box(OutOfMemory(f"{home}/x is large.", "y"), "ja")


def test_a_run_of_a_folder_is_shown_and_made_again_by_name(home: Path) -> None:
    run = examples.run(config=examples.config(model=str(home / "tiny-llama")))
    again = refill.forms(run, "en")
    assert (again.model, again.hub_id) == ("folder:tiny-llama", "")
    gone = examples.run(config=examples.config(model="/elsewhere/tiny"))
    assert (refill.forms(gone, "en").model, refill.forms(gone, "en").hub_id) == (model.HUB, "")
    summary = convert.summarise("folder:tiny-llama", "", "business-cases", None, *GOAL, lang="en")
    assert "tiny-llama" in summary and "folder:" not in summary


def test_the_directory_of_models_must_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "make", lambda: pytest.fail("started"))
    with pytest.raises(SystemExit) as ended:
        launch.main(["--models", str(tmp_path / "none")])
    assert ended.value.code == 2 and "no directory" in capsys.readouterr().err


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_catalogue_has_a_row_for_every_model(home: Path, lang: str) -> None:
    html = shelf.table(lang)
    for one in catalogue.hub_models():
        assert one.id in html
    assert html.count("<tr") == 1 + 2 + len(catalogue.hub_models()) + len(
        catalogue.bundled_models()
    )


@pytest.mark.parametrize(
    ("free", "said"), [(10**12, "✓ yes"), (27 * 10**6, "△ just"), (10**6, "✕ no, too large")]
)
def test_the_light_is_a_sign_and_a_word(
    monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    monkeypatch.setattr(memory, "available_memory_bytes", lambda: free)
    assert shelf.light(1_000_000, "en") == said
    assert "unknown" in shelf.light(None, "en")


def test_large_models_train_adapters_and_need_less(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.configs import RECIPES

    monkeypatch.setattr(memory, "available_memory_bytes", lambda: 10**10)
    for parameters in (1_000_000, 400_000_000, 600_000_000, 10**9):
        needed = memory.run_bytes(parameters, RECIPES["quick"].finetune)
        assert (memory.runs_here(parameters) == "no") == (needed > 10**10), parameters


def test_known_hub_models_can_be_ids() -> None:
    for one in catalogue.hub_models():
        assert model.reference(model.HUB, one.id, "en") == one.id
    sizes = [one.parameters for one in catalogue.hub_models()]
    assert sizes == sorted(sizes) and len(sizes) > 3


FOUND: dict[str, Any] = {
    "kind": "estimate",
    "dry": {"took_s": 12.0, "device": "cpu", "steps": 9, "converted_layers": 3, "layers": 4,
            "method": "hybrid", "parameters": 1_000_000, "train_tokens": 90_000},
    "recipes": {
        "quick": {"total_s": {"low": 100.0, "high": 200.0},
                  "memory_bytes": {"low": 2.0**30, "high": 2.0**31},
                  "currency": "JPY", "money": {"low": 10.0, "high": 20.0}},
    },
}  # fmt: skip


def _form(**changes: Any) -> tuple[Any, ...]:
    form: dict[str, Any] = {
        "model": "business-2k", "hub_id": None, "data": "business-cases", "upload": None,
        "encoding": "", "mask": False, **dict.fromkeys(data.COLUMNS, ""),
        "method": "hybrid", "keep_every": 4, "recipe": "quick", "seed": 0,
    }  # fmt: skip
    return (*{**form, **changes}.values(), *GOAL)  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_estimate_is_told_as_ranges(monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    parts = [{"kind": "progress", "part": "checking"}, FOUND]
    monkeypatch.setattr(estimating, "watch", lambda config, path: iter(parts))
    said = list(estimate.estimated(*_form(), lang=lang))
    assert [one[0]["interactive"] for one in said] == [False, False, True]
    assert "progressbar" in said[0][1] and "progressbar" in said[1][1]
    for figure in ("¥10", "¥20", "1.00 GiB", "2.00 GiB"):
        assert figure in said[-1][1]


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_one_off_costs_stand_beside_the_computing(lang: str) -> None:
    once, recipes = t("estimate.once", lang), FOUND["recipes"]
    assert once not in estimate.told(FOUND, lang)
    both = {name: {**recipes["quick"], "once": 400_000.0} for name in ("quick", "balanced")}
    html = estimate.told({**FOUND, "recipes": both}, lang)
    assert html.count("¥400,000") == html.count(once) == 1
    assert html.count("¥10") == 2, "the computing is told alone, for each recipe"


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_what_a_run_could_not_show_is_said_before_it(lang: str) -> None:
    assert t("estimate.doubt", lang) not in estimate.told(FOUND, lang)
    warning = (
        "The original does no better than guessing on this text (9.10 nats per token; guessing"
        " among its 4,096 tokens gives 8.32), so quality cannot be judged by it. Choose a model"
        " that was trained for such text, or other text."
    )
    found = {**FOUND, "dry": {**FOUND["dry"], "warnings": [warning]}}
    html = estimate.told(found, lang)
    assert html.index(t("estimate.doubt", lang)) < html.index(t("estimate.fits", lang))
    assert "9.10" in html and "4,096" in html
    assert ("no better than guessing" in html) is (lang == "en")


def test_an_estimate_that_cannot_be_made_is_explained() -> None:
    *_, (button, said) = estimate.estimated(*_form(data=data.UPLOAD), lang="en")
    assert button["interactive"] is True and "No file was uploaded yet" in said
