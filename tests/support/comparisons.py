"""A run folder ready to be compared, on a tiny model that nothing was trained for."""

import json
from pathlib import Path
from typing import Any

from engine.configs import ComparisonSettings, KeptLayers, Recipe, RunConfig
from engine.data.documents import business_documents
from engine.models.load import load
from engine.services.artifacts import ConversionRecord, save_model
from engine.services.convert import convert
from tests.support.models import tiny_model_folder

SETTINGS = ComparisonSettings(
    context_tokens=(32, 128),
    decode_tokens=4,
    repeats=3,
    fresh_processes=False,
    heldout_tokens=2_000,
    probes_per_distance=2,
    answer_tokens=6,
)


def run_to_compare(
    folder: Path, method: Any, *, family: str = "llama", control: bool = True
) -> RunConfig:
    """A run folder as the pipeline leaves it, but with no training done."""
    model = tiny_model_folder(folder, family)
    run = folder / "run"
    (run / "data").mkdir(parents=True)
    documents = business_documents(0, characters=(600, 700))
    rows = [json.dumps({"text": next(documents).text}) for _ in range(80)]
    (run / "data" / "cases.jsonl").write_text("\n".join(rows), "utf-8")
    config = RunConfig(
        model=str(model),
        data="cases.jsonl",
        method=method,
        kept=KeptLayers(layers=(1,)),
        recipe=Recipe(max_tokens=256),
        comparison=SETTINGS,
        seed=3,
    )
    loaded = load(str(model))
    if control:
        save_model(run / "control", loaded.model, loaded.tokenizer)
    convert(loaded.model, config.method, config.kept, seed=config.seed)
    record = ConversionRecord(method=config.method, kept=config.kept)
    save_model(run / "converted", loaded.model, loaded.tokenizer, record)
    return config
