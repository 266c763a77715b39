"""Measure a finished run once more, with other lengths or another prompt."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import BadRunConfig, RunBusy
from engine.events import Event, Listener
from engine.runs import locks, paths, service
from engine.runs.seal import recorded

_REFUSED = {
    "context_tokens": ("Context length", "Give lengths such as 512,2048."),
    "needles_per_cell": ("Questions per cell", "Give a number from 1 to 100."),
}


def compare_again(
    run_id: str,
    *,
    lengths: tuple[int, ...] | None = None,
    prompt: str | None = None,
    needles: int | None = None,
    changes: Mapping[str, Any] | None = None,
    listen: Listener,
) -> dict[str, Any]:
    """Compare the run's models again, in this process, once the lane is free.

    The run's comparison.json is replaced; the earlier one stays beside it under its date. Where
    only a prompt is given, only the answers are new. Answers to a prompt of the user's own are kept
    until another prompt is given.

    Args:
        run_id: a run that is done.
        lengths: context lengths for speed and memory, in tokens, besides the run's own.
        prompt: the text both models continue; None keeps the last one that was given, else takes
            the run's own.
        needles: questions per cell of the needle tasks; None takes the run's own number.
        changes: other settings of the comparison by name, instead of the run's own.
        listen: told after every part.

    Raises:
        RunBusy: the run is not done, or is being worked on.
        BadRunConfig: a setting is out of range, or there is nothing in the prompt.
    """
    from pydantic import ValidationError

    from engine.configs import ComparisonSettings, RunConfig

    run = service.require_own(run_id)
    if run.state != "done":
        raise RunBusy(f"The run is {run.state}, not done.", "Let it finish first.")
    if prompt is not None and not prompt.strip():
        raise BadRunConfig("The prompt is empty.", "Give a text that both models can continue.")
    asked = {"context_tokens": lengths, "prompt": prompt, "needles_per_cell": needles}
    wanted = {key: value for key, value in asked.items() if value is not None}
    answers_only = not changes and set(wanted) == {"prompt"}
    wanted = {**(changes or {}), **wanted}
    try:
        checked = ComparisonSettings.model_validate(wanted)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        what, hint = _REFUSED.get(name, (f"comparison.{name}", "Change it or leave it out."))
        raise BadRunConfig(f"{what} {first['input']}: {first['msg']}.", hint) from error
    config = RunConfig.stored(run.config)
    settings = config.comparison.model_copy(
        update={name: getattr(checked, name) for name in wanted}
    )
    lock = locks.FileLock.take(run.folder / "lock", wait_s=1.0)
    if lock is None:
        raise RunBusy("The run is being worked on.", "Wait until that has ended.")
    try:
        with locks.waiting_for(paths.lane_lock(), lambda: True):
            listen(Event("stage", "comparing"))
            return _compare(
                run.folder, config, settings, listen, recorded(run_id), answers_only=answers_only
            )
    finally:
        lock.release()


def _compare(
    folder: Path, config: Any, settings: Any, listen: Listener, recorded_sha256: str | None,
    *, answers_only: bool,
) -> dict[str, Any]:  # fmt: skip
    from engine.evidence.results import Answers
    from engine.models.memory import run_device
    from engine.services.answer_again import answer_again
    from engine.services.compare import COMPARISON_FILE, compare
    from engine.services.timings import read_timings

    current = folder / COMPARISON_FILE
    measured = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(current.stat().st_mtime))
    timing = {stage: s for stage, s in read_timings(folder).items() if stage != "comparing"}
    # Under a name of its own until the new one is there: a failure must not leave two of them.
    earlier = current.with_name(f".{current.name}.{uuid.uuid4().hex}")
    shutil.copy2(current, earlier)
    try:
        if answers_only:
            result = answer_again(
                folder, config, settings.prompt, settings.answer_tokens, listen, device=run_device()
            )
        else:
            answers = json.loads(current.read_text("utf-8")).get("answers", {})
            keep = answers.get("own_prompt") and settings.prompt == config.comparison.prompt
            result = compare(
                folder, config, settings, listen, device=run_device(), timing=timing,
                recorded_sha256=recorded_sha256,
                written=Answers.model_validate(answers) if keep else None,
            )  # fmt: skip
        earlier.replace(folder / f"comparison-{measured}.json")
    finally:
        earlier.unlink(missing_ok=True)
    return result.model_dump(mode="json")
