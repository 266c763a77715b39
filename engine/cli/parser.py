"""What the command line takes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from engine.cli import controls, estimate, report, seeds
from engine.cli.offered import METHOD_NAMES, RECIPE_NAMES
from engine.errors import BadRunConfig


class _Parser(argparse.ArgumentParser):
    """Errors in our form instead of argparse's usage block."""

    def error(self, message: str) -> NoReturn:
        raise BadRunConfig(f"{message[:1].upper()}{message[1:]}.", f"See `{self.prog} --help`.")


def _lengths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError("write lengths such as 512,2048") from error


def parser(description: str | None) -> argparse.ArgumentParser:
    """All commands and their options."""
    shared = _Parser(add_help=False)
    shared.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document"
    )
    whole = _Parser(prog="python -m engine", description=description, parents=[shared])
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")

    commands.add_parser("models", help="list the bundled models", parents=[shared])

    convert = commands.add_parser(
        "convert", help="convert a model and compare it with the original", parents=[shared]
    )
    convert.add_argument("model", help="bundled name, local folder or Hub id")
    convert.add_argument(
        "data", help="bundled name, or a .txt .md .jsonl .csv .tsv .xlsx .docx .pdf file"
    )
    convert.add_argument("--out", metavar="RUN", help="the run's name, or a folder for it")
    convert.add_argument(
        "--method", choices=METHOD_NAMES, default="hybrid", metavar="NAME",
        help="one of: %(choices)s (default: hybrid)",
    )  # fmt: skip
    convert.add_argument(
        "--keep-softmax-every", type=int, metavar="N",
        help="keep softmax in one layer of N; 0 converts all (default: with hybrid 4, or 2 below"
        " four layers; else 0)",
    )  # fmt: skip
    convert.add_argument(
        "--recipe", choices=RECIPE_NAMES, default="quick", metavar="NAME",
        help="one of: %(choices)s (default: quick)",
    )  # fmt: skip
    of_training = convert.add_mutually_exclusive_group()
    of_training.add_argument("--seed", type=int, default=0, metavar="N", help="of the training")
    of_training.add_argument(
        "--seeds", type=seeds.seeds, metavar="N,N",
        help="one run for each seed of the training, and what they say together",
    )  # fmt: skip
    convert.add_argument(
        "--data-seed", type=int, default=0, metavar="N", help="of the split and the questions"
    )
    convert.add_argument("--text-column", metavar="C", help="column or key of the text, e.g. a.b")
    convert.add_argument("--prompt-column", metavar="C", help="of what is asked, in rows of tasks")
    convert.add_argument("--reference-column", metavar="C", help="of the right answer to it")
    convert.add_argument(
        "--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE",
        help="any setting, e.g. method.feature_dim=64 or recipe.finetune.steps=200",
    )  # fmt: skip

    estimate.add_command(commands, shared)

    compare = commands.add_parser(
        "compare", help="show a run's comparison, or measure it again", parents=[shared]
    )
    compare.add_argument("run", help="id, name or folder of a run")
    compare.add_argument(
        "--lengths", type=_lengths, metavar="N,N", help="measure at these lengths (tokens) too"
    )
    compare.add_argument("--money", type=Path, metavar="F", help="your load and prices, as JSON")
    compare.add_argument("--needles", type=int, metavar="N", help="needle questions per cell")
    compare.add_argument(
        "--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE",
        help="e.g. comparison.batch_sizes=1,8",
    )  # fmt: skip
    compare.add_argument(
        "--prompt-file", type=Path, metavar="F",
        help="text both shall continue; without other options nothing else is measured",
    )  # fmt: skip

    vote = commands.add_parser(
        "vote", help="vote blindly on a run's pairs of answers", parents=[shared]
    )
    vote.add_argument("run", help="id, name or folder of a run")
    vote.add_argument(
        "vote", nargs="*", metavar="PAIR CHOICE", help="e.g. 1 left; right, tie, both_bad"
    )

    controls.add_command(commands, shared)
    report.add_commands(commands, shared)

    runs = commands.add_parser("runs", help="list runs, or act on one", parents=[shared])
    actions = runs.add_subparsers(dest="action", metavar="ACTION")
    for action, text in (
        ("list", "list all runs (the default)"), ("show", "show one run"),
        ("cancel", "save and stop"), ("resume", "go on with a stopped run"),
        ("delete", "remove a run and its files"),
        ("seeds", "put the runs that differ from one by their seed alone together"),
    ):  # fmt: skip
        one = actions.add_parser(action, help=text, parents=[shared])
        if action != "list":
            one.add_argument("run", help="id, name or folder of a run")
    return whole
