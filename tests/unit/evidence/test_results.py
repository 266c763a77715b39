"""The result's schema: strict, documented, and free of what JSON cannot say."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from engine.evidence import (
    behaviour_parts,
    data_parts,
    fidelity_parts,
    inner_parts,
    parts,
    results,
    verdict,
)
from engine.evidence.environment import environment
from engine.evidence.parts import DistanceRecall, PositionBin, Result, finite
from tests.support.models import tiny_model

DOCUMENT = Path(__file__).parents[3] / "docs" / "comparison-schema.md"
MODELS = [
    value
    for module in (
        parts,
        behaviour_parts,
        data_parts,
        fidelity_parts,
        inner_parts,
        results,
        verdict,
    )  # fmt: skip
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, BaseModel) and value not in (BaseModel, Result)
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_described_here_and_in_the_document(model):
    text = DOCUMENT.read_text("utf-8")
    section = text.split(f"### {model.__name__}\n", 1)[1].split("\n### ", 1)[0]
    for name, field in model.model_fields.items():
        assert field.description, name
        row = next(line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        assert " ".join(field.description.split()) in row


def test_not_a_number_cannot_get_in():
    assert finite(float("nan")) is None and finite(float("inf")) is None and finite(1.5) == 1.5
    with pytest.raises(ValidationError):
        PositionBin(from_token=0, to_token=64, tokens=1, perplexity=float("nan"))


def test_unknown_fields_cannot_get_in():
    with pytest.raises(ValidationError):
        DistanceRecall.model_validate(
            {"distance_tokens": 1, "correct": 1, "n": 1, "accuracy": 1.0, "colour": "red"}
        )


def test_a_file_of_the_first_schema_version_still_loads():
    """The sample run that ships was written by it."""
    sample = Path(__file__).parents[3] / "assets" / "samples" / "bundled" / "comparison.json"
    content = json.loads(sample.read_text("utf-8"))
    for part in ("ablation", "likeness", "continuations", "forgetting", "finetuning"):
        content.pop(part, None)
    old = results.Comparison.model_validate({**content, "schema_version": 1})
    assert old.ablation is None and old.finetuning is None and old.quality.original.tokens > 0


def test_the_environment_names_no_host():
    import getpass
    import socket

    found = environment(tiny_model("llama"), backend="plain")
    values = found.model_dump()
    assert found.device == "cpu" and found.cores >= 1 and found.date.endswith("+00:00")
    assert socket.gethostname() not in values.values() and getpass.getuser() not in values.values()
