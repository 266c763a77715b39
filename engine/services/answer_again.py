"""Both models' answers to another prompt, with all else that was measured left as it is."""

from __future__ import annotations

from pathlib import Path

from engine.configs import RunConfig
from engine.events import Listener
from engine.evidence.results import Comparison
from engine.services.answers import Prompt, answers
from engine.services.artifacts import load_converted
from engine.services.compare import COMPARISON_FILE
from engine.services.jsonfile import write_json
from engine.services.original import load_original
from engine.services.progress import Progress


def answer_again(
    folder: Path, config: RunConfig, text: str, tokens: int, listen: Listener, *, device: str
) -> Comparison:
    """Let a compared run's models continue `text`, and put that into its comparison.json.

    Args:
        folder: the run's folder, with `converted/` and comparison.json.
        config: the run's settings.
        text: what both models continue.
        tokens: most tokens of an answer.
        listen: told after every part; may raise `Cancelled`, and nothing is written then.
        device: where the models run, as torch names it.

    Raises:
        OriginalChanged: the original is not the one that the run was created with.
        EngineError: a model cannot be read.
        Cancelled: `listen` asked to stop.
    """
    earlier = Comparison.model_validate_json((folder / COMPARISON_FILE).read_text("utf-8"))
    progress = Progress(listen)
    progress.total = 2
    with progress.part("loading", "loading"):
        original = load_original(config, device=device)
        converted = load_converted(folder / "converted", device=device)
    with progress.part("answers", "answers"):
        written = answers(
            original, converted, Prompt(text, own=True), tokens=tokens, method=config.method.name
        )
    result = earlier.model_copy(update={"answers": written})
    write_json(folder / COMPARISON_FILE, result.model_dump(mode="json"))
    return result
