"""Controls on the command line: train them, and show what each thing that was left out is worth."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.cli.follow import ProgressLine
from engine.cli.words import between, counted, perplexity, table
from engine.errors import Cancelled
from engine.events import Event
from engine.evidence.control_parts import CONTROL_NAMES, ControlResult, Controls, worth
from engine.evidence.parts import ModelRecall
from engine.evidence.results import Comparison
from engine.evidence.stats import Interval
from engine.runs import service
from engine.runs.records import Run

_THING = {"no-transfer": "attention transfer", "random-init": "starting from pretrained weights"}


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Describe `controls` to the command line's parser.

    Args:
        commands: the parser's subparsers.
        shared: options that all commands have.
    """
    added = commands.add_parser(
        "controls", help="train a finished run's controls: what is each part worth?",
        parents=[shared],
    )  # fmt: skip
    added.add_argument("run", help="id, name or folder of a run")
    added.add_argument(
        "--only", default="", metavar="A,B",
        help=f"some of {', '.join(CONTROL_NAMES)} (default: all that tell something)",
    )  # fmt: skip


def train(options: argparse.Namespace) -> tuple[Any, str]:
    """Train what is not there yet; all controls of the run as a document and as a table."""
    from engine.runs import controls

    run = service.find(options.run)
    only = controls.names_of([name.strip() for name in options.only.split(",") if name.strip()])
    with _listening() as line:
        found = controls.train(run.id, only, line)
    return found.model_dump(mode="json"), told(run, found)


@contextmanager
def _listening() -> Iterator[Any]:
    """A listener that shows progress. Within, the first Ctrl-C makes it raise `Cancelled`, the
    second ends the program."""
    progress, asked = ProgressLine(), False

    def stop(_number: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        progress.line("Saving and stopping; press Ctrl-C again to leave without saving.")

    def listen(event: Event) -> None:
        if asked:
            raise Cancelled(
                "The controls were stopped; those that were finished are kept.",
                "Give the same command again: a training goes on where it was stopped.",
            )
        if event.kind == "progress":
            steps = f" {event.step:,}/{event.total:,} steps in all" if event.total else ""
            progress.show(f"{event.values.get('part', '')}{steps}")
        elif event.kind in ("note", "warning"):
            progress.event(event)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield listen
    finally:
        signal.signal(signal.SIGINT, before)
        progress.end()


def told(run: Run, found: Controls) -> str:
    """The controls beside the converted model, and a sentence on each."""
    result = Comparison.model_validate(service.comparison(run.id))
    head = ("", "steps", "perplexity", "facts", "nats/token lost", "95 % interval", "facts lost")
    rows: list[tuple[Any, ...]] = [
        ("converted", None, perplexity(result.quality.converted.perplexity),
         _facts(result.recall.converted), None, None, None)
    ]  # fmt: skip
    for one in found.controls:
        rows.append(
            (one.name, f"{one.steps:,}", perplexity(one.quality.perplexity), _facts(one.recall),
             None if one.lost_nats is None else f"{one.lost_nats:+.4f}",
             _range(one.lost_interval, 4), _points(one.lost_facts))
        )  # fmt: skip
    title = "Controls: the same recipe with one thing left out or exchanged, against the converted"
    lines = [sentence(one, result.conversion.method) for one in found.controls]
    return f"{title}\n{table(head, rows)}\n" + "\n".join(lines)


def _facts(recall: ModelRecall | None) -> str | None:
    return None if recall is None else "{}/{}".format(*recall.total)


def _range(interval: Interval | None, digits: int) -> str | None:
    return None if interval is None else between(interval.low, interval.high, digits)


def _points(share: Interval | None) -> str | None:
    return None if share is None else f"{_range(share.mapped(lambda x: 100 * x), 1)} points"


def sentence(control: ControlResult, method: str) -> str:
    """What the thing that was left out, or the run's own method, is shown to be worth."""
    thing = _THING.get(control.name, f"{method} instead of {control.method}")
    lost, interval = control.lost_nats, control.lost_interval
    word = worth(control)
    if lost is None:
        return f"{control.name}: no finite likelihoods, so nothing can be said of {thing}."
    if word == "unclear" or interval is None:
        return (
            f"{control.name}: whether {thing} was worth anything cannot be told ({lost:+.4f} nats"
            " per token)."
        )
    basis = f"n = {counted(interval.n, 'document')}"
    if word == "worth":
        return f"{control.name}: {thing} was worth {lost:.4f} nats per token ({basis})."
    return f"{control.name}: {thing} did not pay: it costs {-lost:.4f} nats per token ({basis})."
