"""What a report is made of: a run's settings, comparison, verdict, votes and money, read once."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from engine.errors import BadRunConfig
from engine.evidence.control_parts import CONTROLS_FILE, Controls
from engine.evidence.pricing import money_inputs
from engine.evidence.results import Comparison
from engine.evidence.roi import MoneyInputs, Roi, roi
from engine.evidence.verdict import GateName, GateVerdict
from engine.evidence.votes import VoteCount, VotePairs, count
from engine.goal import Goal

# Control characters, which XML cannot hold; lone halves of a surrogate pair, which UTF-8 cannot;
# and the marks that turn the direction of writing, with which a name can pose as another.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069"
                          r"\ufffe\uffff]")  # fmt: skip


class ReportedRun(Protocol):
    """What a report needs of a run; `engine.runs.records.Run` has it."""

    @property
    def id(self) -> str:
        """The run's id."""
        ...

    @property
    def name(self) -> str | None:
        """What the user calls it."""
        ...

    @property
    def folder(self) -> Path:
        """Where its files are."""
        ...

    @property
    def config(self) -> dict[str, Any]:
        """Its frozen settings as JSON data."""
        ...

    @property
    def sample(self) -> bool:
        """Whether it came with the project: its folder is then not written to."""
        ...


@dataclass(frozen=True)
class Source:
    """Everything a report may say. Strings from outside hold no unprintable characters."""

    run_id: str
    name: str | None
    config: dict[str, Any]
    comparison: Comparison
    votes: VoteCount | None
    """Null where the run has no pairs of answers."""
    money: Roi | None
    """Null where no prices were given."""
    controls: Controls = Controls()
    """Models trained on request, each with one thing left out; empty where there are none."""

    @property
    def model(self) -> str:
        """The original's name; of a local folder only its last part."""
        return place_less(self.config["model"])

    def gate(self, name: GateName) -> GateVerdict | None:
        """A gate's verdict, where the gate was set."""
        verdict = self.comparison.verdict
        every = verdict.gates if verdict else ()
        return next((gate for gate in every if gate.gate == name), None)

    @property
    def money_later(self) -> bool:
        """Whether the load and prices are others than those that were frozen with the run."""
        if self.money is None:
            return False
        limits, told = self.config.get("gates") or {}, self.money.inputs
        frozen = money_inputs(
            Goal.model_validate(self.config.get("goal") or {}),
            input_tokens=limits.get("context_tokens") or told.input_tokens,
            output_tokens=limits.get("output_tokens") or told.output_tokens,
        )
        return frozen != told

    @property
    def length(self) -> int | None:
        """The context length that the headline figures speak of, in tokens: the gates' own, else
        the longest measured within the trained context."""
        for name in ("speed", "memory", "cost"):
            if (gate := self.gate(name)) and gate.context_tokens:
                return gate.context_tokens
        if (wanted := self.config.get("gates", {}).get("context_tokens")) is not None:
            return wanted
        points = self.comparison.speed.decode.converted
        within = [p.context_tokens for p in points if not p.beyond_trained_context]
        return max(within, default=min((p.context_tokens for p in points), default=None))


def gather(run: ReportedRun, money: MoneyInputs | None = None) -> Source:
    """Read a run's results.

    Args:
        run: a finished run, or a sample.
        money: the user's load and prices.

    Raises:
        BadRunConfig: the run has no comparison, or one that this version cannot read.
    """
    file = run.folder / "comparison.json"
    if not file.is_file():
        raise BadRunConfig(
            "The run has no comparison yet, so there is nothing to report.",
            "Wait until it is done, or resume it.",
        )
    try:
        comparison = Comparison.model_validate(cleaned(json.loads(file.read_text("utf-8"))))
    except (ValidationError, ValueError) as error:
        raise BadRunConfig(
            "The run's comparison.json cannot be read.",
            "It was altered or comes from a later version: measure again with `compare RUN"
            " --lengths`.",
        ) from error
    return Source(
        run_id=run.id,
        name=cleaned(run.name),
        config=cleaned(run.config),
        comparison=comparison,
        votes=_votes(run.folder),
        money=roi(comparison.speed, comparison.timing, money) if money else None,
        controls=_controls(run.folder),
    )


def _controls(folder: Path) -> Controls:
    file = folder / CONTROLS_FILE
    if not file.is_file():
        return Controls()
    try:
        return Controls.model_validate(cleaned(json.loads(file.read_text("utf-8"))))
    except (ValidationError, ValueError) as error:
        raise BadRunConfig(
            f"The run's {CONTROLS_FILE} cannot be read.",
            "It was altered or comes from a later version: delete it, and train the controls anew"
            " with `python -m engine controls RUN`.",
        ) from error


def _votes(folder: Path) -> VoteCount | None:
    pairs, votes = folder / "pairs.json", folder / "votes.json"
    if not pairs.is_file():
        return None
    cast = json.loads(votes.read_text("utf-8")) if votes.is_file() else {}
    every = VotePairs.model_validate_json(pairs.read_bytes())
    return count(every, {int(number): choice for number, choice in cast.items()})


def cleaned(value: Any) -> Any:
    """JSON data whose strings can be printed, in every format."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {cleaned(key): cleaned(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(one) for one in value]
    return value


def place_less(reference: str) -> str:
    """A Hub id or bundled name as it is; of a folder's path only the last part, since a path can
    name a person."""
    looks_local = reference.startswith(("/", "~", ".")) or "\\" in reference or ":" in reference
    return re.split(r"[/\\]", reference.rstrip("/\\"))[-1] if looks_local else reference
