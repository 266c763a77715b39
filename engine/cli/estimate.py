"""What a run would take, on the command line."""

from __future__ import annotations

import argparse
from typing import Any

from engine.cli.follow import ProgressLine
from engine.cli.offered import METHOD_NAMES, RECIPE_NAMES
from engine.cli.tables import table


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Describe `estimate` to the command line's parser.

    Args:
        commands: the parser's subparsers.
        shared: options that all commands have.
    """
    command = commands.add_parser(
        "estimate", help="say what a run would take, by a dry run of a few steps", parents=[shared]
    )
    command.add_argument("model", help="bundled name, local folder or Hub id")
    command.add_argument("data", help="as for convert")
    command.add_argument(
        "--method", choices=METHOD_NAMES, default="hybrid", metavar="NAME",
        help="one of: %(choices)s (default: hybrid)",
    )  # fmt: skip
    command.add_argument("--keep-softmax-every", type=int, metavar="N", help="as for convert")
    command.add_argument(
        "--recipe", choices=RECIPE_NAMES, default="quick", metavar="NAME",
        help="whose steps are tried (default: quick); all recipes are told",
    )  # fmt: skip
    for column in ("text", "prompt", "reference"):
        command.add_argument(f"--{column}-column", metavar="C", help="as for convert")
    command.add_argument(
        "--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE",
        help="any setting, e.g. recipe.finetune.steps=200 or"
        " goal.prices.instance_price_per_hour=150",
    )  # fmt: skip


def estimate(options: argparse.Namespace) -> tuple[Any, str]:
    """Make a dry run; what a whole run would take as a document and as a table.

    Raises:
        EngineError: the model, the data or the settings will not do, or a run is at work.
    """
    from engine.cli.settings import build_config
    from engine.data.ingest import resolve_data
    from engine.models.check import check_model
    from engine.runs import estimating

    data = resolve_data(options.data)
    config = build_config(
        options.model, options.data, layers=check_model(options.model).layers,
        method=options.method, keep_every=options.keep_softmax_every, recipe=options.recipe,
        text_column=options.text_column, prompt_column=options.prompt_column,
        reference_column=options.reference_column, assignments=options.set,
    )  # fmt: skip
    progress = ProgressLine()
    for said in estimating.watch(config, data):
        if said["kind"] == "estimate":
            return said, _told(said)
        progress.line(f"  {said['part']}")
    raise AssertionError("watch raises where no estimate comes")


def _told(found: dict[str, Any]) -> str:
    dry, rows = found["dry"], []
    warnings = "".join(f"! {text}\n" for text in dry.get("warnings", ()))
    for name, one in found["recipes"].items():
        money = one["money"]
        rows.append((
            name, _span(one["total_s"], 60, "min"), _span(one["memory_bytes"], 2**30, "GiB"),
            "-" if money is None else f"{_span(money, 1)} {one['currency']}",
        ))  # fmt: skip
    # Every recipe costs the same besides.
    once = next((one for one in found["recipes"].values() if one.get("once")), None)
    besides = f"One-off costs besides: {once['once']:,g} {once['currency']}.\n" if once else ""
    return (
        f"{warnings}{table(('recipe', 'time', 'memory', 'money'), rows)}\n{besides}"
        f"Measured on {dry['device']} in {dry['took_s']:.0f} s: {dry['steps']} training steps, a"
        " few forward passes and timings. The low end is the quickest reading, the high end the"
        " slowest with room to spare; other work on the machine makes a run longer."
    )


def _span(span: dict[str, float], unit: float, name: str = "") -> str:
    low, high = (f"{span[end] / unit:,.{1 if span[end] / unit < 100 else 0}f}"
                 for end in ("low", "high"))  # fmt: skip
    return f"{low} to {high} {name}".rstrip()
