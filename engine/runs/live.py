"""Both models of a finished run answering at once, in a process of their own.

`watch` starts that process and gives what it writes, one JSON object a line; the process is
`python -m engine.runs.live RUN_ID`, with the input on its standard input. The models it loads are
checked in that process: their weights must be those that the run was measured with.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from engine.errors import BadRunConfig, RunBusy, UnsafeModel
from engine.runs import aside, locks, paths, service
from engine.runs.records import Run

ANSWER_TOKENS = 80
MOST_CHARACTERS = 400_000


def watch(run_id: str, text: str, *, whole: bool = False) -> Iterator[dict[str, Any]]:
    """What both models do with the text: first {"kind": "models", ...}, then a turn each.

    Args:
        run_id: a run that is done, or a sample that comes with its model.
        text: the input.
        whole: read all of it, even beyond the trained context.

    Raises:
        BadRunConfig: there is no text, too much of it, or no model of the run.
        RunBusy: a run is at work on this machine.
        EngineError: a model cannot be loaded, or is not the one that was measured.
    """
    run = service.get(run_id)
    _require_models(run)
    if not text.strip() or len(text) > MOST_CHARACTERS:
        raise BadRunConfig(
            f"The input has {len(text):,} characters.",
            f"Give a text of 1 to {MOST_CHARACTERS:,} characters.",
        )
    yield from aside.listen_to("engine.runs.live", [run_id, *(["--whole"] if whole else [])], text)


def _require_models(run: Run) -> None:
    if not (run.folder / "converted").is_dir():
        raise BadRunConfig(
            "The run has no converted model.", "Let it finish first, or make a run of your own."
        )


def _answer(run: Run, text: str, whole: bool) -> Iterator[dict[str, Any]]:
    """In the process of its own: load, check, and let both answer."""
    lane = locks.FileLock.take(paths.lane_lock())
    if lane is None:
        raise RunBusy(
            "A run is at work on this machine; both would slow each other down.",
            "Wait until it has ended.",
        )
    try:
        from engine.configs import RunConfig
        from engine.models.memory import run_device
        from engine.services.answers import attention_in_use
        from engine.services.artifacts import load_converted
        from engine.services.original import load_original
        from engine.services.side_by_side import fitted, side_by_side

        device = run_device()
        original = load_original(RunConfig.stored(run.config), device=device)
        converted = load_converted(run.folder / "converted", device=device)
        method = str(run.config["method"]["name"])
        _require_measured(run, original.weights_sha256, converted.weights_sha256)
        ids = original.tokenizer(text, truncation=False, verbose=False)["input_ids"]
        # Learned positions end at the context: beyond them there is nothing to look up.
        whole = whole and not original.learned_positions
        kept, fit = fitted(ids, original.context_tokens, ANSWER_TOKENS, whole=whole)
        yield {
            "kind": "models", **asdict(fit), "context_tokens": original.context_tokens,
            "original": {"weights_sha256": original.weights_sha256,
                         "attention": attention_in_use(original.model, None)},
            "converted": {"weights_sha256": converted.weights_sha256,
                          "attention": attention_in_use(converted.model, method)},
        }  # fmt: skip
        for turn in side_by_side(original, converted, kept, answer_tokens=ANSWER_TOKENS):
            yield {"kind": "turn", **asdict(turn)}
    finally:
        lane.release()


def _require_measured(run: Run, original: str, converted: str) -> None:
    """The weights just loaded must differ, and be those that the comparison measured."""
    measured = (service.comparison(run.id) or {}).get("answers", {})
    loaded = {"original": original, "converted": converted}
    same = all(measured.get(side, {}).get("weights_sha256") == loaded[side] for side in loaded)
    if original == converted or not same:
        raise UnsafeModel(
            "The weights on disk are not those that the run was measured with.",
            "Make the run again: its folder or the original was changed.",
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the text on standard input; exit status 1 after an error, which is a line too."""
    parser = argparse.ArgumentParser(prog="python -m engine.runs.live", description=__doc__)
    parser.add_argument("run_id", type=paths.checked)
    parser.add_argument("--whole", action="store_true", help="read beyond the trained context")
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    return aside.answer(_answered(options.run_id, options.whole))


def _answered(run_id: str, whole: bool) -> Iterator[dict[str, Any]]:
    yield from _answer(service.get(run_id), sys.stdin.read(), whole)


if __name__ == "__main__":
    sys.exit(main())
