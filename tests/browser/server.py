"""The app as a visitor meets it, with a made-up sample run and runs that take seconds."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.launch import main
from engine.runs import paths, service
from tests.support import example_runs as examples


def write_sample(folder: Path) -> None:
    """A sample in the form of those in assets/samples."""
    folder.mkdir(parents=True, exist_ok=True)
    row = {k: v for k, v in examples.run().as_json().items() if k not in ("id", "folder", "sample")}
    events = [asdict(event) for event in examples.events()]
    (folder / "run.json").write_text(json.dumps(row), "utf-8")
    (folder / "events.json").write_text(json.dumps(events), "utf-8")
    (folder / "comparison.json").write_text(examples.comparison().model_dump_json(), "utf-8")


def make_short(create: Any) -> Any:
    """`create_run` with the fewest steps that still go through every stage."""

    def create_short(config: Any, path: Path, **more: Any) -> str:
        from engine.configs import ComparisonSettings, FinetuneSettings, Recipe, TransferSettings

        recipe = Recipe(
            transfer=TransferSettings(steps=120),
            finetune=FinetuneSettings(steps=10, evaluate_every=5),
            tokens_per_step=256, max_tokens=128,
        )  # fmt: skip
        comparison = ComparisonSettings(
            context_tokens=(64, 128), decode_tokens=4, repeats=3, heldout_tokens=256,
            fresh_processes=False, probes_per_distance=1, answer_tokens=4, vote_pairs=4,
        )  # fmt: skip
        return create(
            config.model_copy(update={"recipe": recipe, "comparison": comparison}), path, **more
        )

    return create_short


if __name__ == "__main__":
    samples = paths.data_directory().parent / "samples"
    write_sample(samples / "bundled")
    paths.SAMPLES = samples
    service.create_run = make_short(service.create_run)
    main()
