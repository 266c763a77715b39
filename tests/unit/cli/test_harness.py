"""A run's models under lm-evaluation-harness, on a task made here; skipped without the harness."""

import importlib
import json
from pathlib import Path

import pytest
import torch

from engine.cli import harness
from engine.configs import KeptLayers
from engine.errors import EngineError
from engine.methods import Hybrid
from engine.models.load import load
from engine.services.artifacts import ConversionRecord, save_model
from engine.services.convert import convert
from tests.support.models import tiny_model_folder

_TASK = """\
task: tiny_local
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{label}}}}"
metric_list:
  - metric: acc
"""


@pytest.fixture
def task(tmp_path: Path) -> Path:
    rows = [
        {"question": f"Number {n} is", "choices": [" even", " odd"], "label": n % 2}
        for n in range(8)
    ]
    data = tmp_path / "rows.json"
    data.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "tiny_local.yaml").write_text(_TASK.format(data=data), "utf-8")
    return folder


def _converted(folder: Path) -> tuple[Path, Path]:
    """An original, and the same with a window that holds every question: equal in effect."""
    original = tiny_model_folder(folder, "llama")
    loaded = load(str(original))
    method, kept = Hybrid(window=64), KeptLayers()
    convert(loaded.model, method, kept, seed=0)
    record = ConversionRecord(method=method, kept=kept)
    save_model(folder / "converted", loaded.model, loaded.tokenizer, record)
    return original, folder / "converted"


def test_the_harness_scores_a_task_as_the_model_itself_does(tmp_path, task):
    pytest.importorskip("lm_eval")
    original, converted = _converted(tmp_path)
    found = [
        harness.evaluate(str(ref), ["tiny_local"], include=task, batch_size=3)["tiny_local"]
        for ref in (original, converted)
    ]
    assert found[0]["acc,none"] == found[1]["acc,none"] == _accuracy(original)


def _accuracy(folder: Path) -> float:
    """Share of questions whose right answer has the higher likelihood, by hand."""
    loaded, right = load(str(folder)), 0
    for n in range(8):
        scores = []
        for choice in (" even", " odd"):
            context = loaded.tokenizer(f"Number {n} is")["input_ids"]
            ids = loaded.tokenizer(f"Number {n} is{choice}")["input_ids"]
            with torch.inference_mode():
                logits = loaded.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
            places = range(len(context), len(ids))
            scores.append(sum(float(logits[place - 1, ids[place]]) for place in places))
        right += scores.index(max(scores)) == n % 2
    return right / 8


def test_an_unknown_task_is_named(task):
    pytest.importorskip("lm_eval")
    with pytest.raises(EngineError, match="no task nothing_like_it"):
        harness.evaluate("unused", ["nothing_like_it"], include=task)


def test_without_the_harness_it_says_what_to_install(monkeypatch):
    def absent(name: str):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(EngineError) as caught:
        harness.evaluate("unused", ["anything"])
    assert "requirements-harness.txt" in caught.value.hint


def test_a_run_that_does_not_exist_is_an_error_of_one_line(capsys):
    assert harness.main(["no-such-run", "--tasks", "anything"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
