"""The command line: `python -m engine models | convert | compare | vote | report | verify | runs`.

Standard output carries the answer (with --json exactly one JSON document), standard error the
progress and the errors. Exit status: 0; 2 with a line of error and a line of hint; 130 when
cancelled; 141 when the reader of the output left early.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from engine.installation import not_installed

try:
    from engine.cli import report, tables, verdict
    from engine.cli.files import destination, prompt_from
    from engine.cli.follow import ProgressLine, follow, require_done
    from engine.cli.log import log_file
    from engine.cli.offered import METHOD_NAMES, RECIPE_NAMES
    from engine.cli.output import answer, failure
    from engine.errors import BadRunConfig, EngineError
    from engine.runs import service
    from engine.runs.boundary import boundary
    from engine.runs.executors.local import PATIENT_THREADS
except ModuleNotFoundError as missing:
    if (said := not_installed(missing)) is None:
        raise
    sys.stderr.write(f"error: {said[0]}\nhint: {said[1]}\n")
    sys.exit(2)


class _Parser(argparse.ArgumentParser):
    """Errors in our form instead of argparse's usage block."""

    def error(self, message: str) -> NoReturn:
        raise BadRunConfig(f"{message[:1].upper()}{message[1:]}.", f"See `{self.prog} --help`.")


def _lengths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError("write lengths such as 512,2048") from error


def _parser() -> argparse.ArgumentParser:
    shared = _Parser(add_help=False)
    shared.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document"
    )
    parser = _Parser(prog="python -m engine", description=__doc__, parents=[shared])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    commands.add_parser("models", help="list the bundled models", parents=[shared])

    convert = commands.add_parser(
        "convert", help="convert a model and compare it with the original", parents=[shared]
    )
    convert.add_argument("model", help="bundled name, local folder or Hub id")
    convert.add_argument("data", help="bundled name, or a .txt, .md, .jsonl, .csv or .tsv file")
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
    convert.add_argument("--seed", type=int, default=0, metavar="N", help="of the training")
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

    compare = commands.add_parser(
        "compare", help="show a run's comparison, or measure it again", parents=[shared]
    )
    compare.add_argument("run", help="id, name or folder of a run")
    compare.add_argument(
        "--lengths", type=_lengths, metavar="N,N", help="measure at these lengths (tokens) too"
    )
    compare.add_argument("--money", type=Path, metavar="F", help="your load and prices, as JSON")
    compare.add_argument("--needles", type=int, metavar="N", help="needle questions per cell")
    compare.add_argument("--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE",
                         help="e.g. comparison.batch_sizes=1,8")  # fmt: skip
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

    report.add_commands(commands, shared)

    runs = commands.add_parser("runs", help="list runs, or act on one", parents=[shared])
    actions = runs.add_subparsers(dest="action", metavar="ACTION")
    for action, text in (
        ("list", "list all runs (the default)"), ("show", "show one run"),
        ("cancel", "save and stop"), ("resume", "go on with a stopped run"),
        ("delete", "remove a run and its files"),
    ):  # fmt: skip
        one = actions.add_parser(action, help=text, parents=[shared])
        if action != "list":
            one.add_argument("run", help="id, name or folder of a run")
    return parser


def _convert(options: argparse.Namespace) -> tuple[Any, str]:
    from engine.cli.settings import build_config
    from engine.data.ingest import resolve_data
    from engine.models.check import check_model

    # First what is known at once: the data and the model's folder, before torch is imported.
    data = resolve_data(options.data)
    name, folder = destination(options.out)
    config = build_config(
        options.model,
        options.data,
        layers=check_model(options.model).layers,
        method=options.method,
        keep_every=options.keep_softmax_every,
        recipe=options.recipe,
        seed=options.seed, data_seed=options.data_seed,
        text_column=options.text_column,
        prompt_column=options.prompt_column, reference_column=options.reference_column,
        assignments=options.set,
    )  # fmt: skip
    run_id = service.create_run(config, data, name=name, folder=folder)
    ProgressLine().line(f"run {run_id}" + (f" ({name})" if name else ""))
    service.start(run_id)
    return _finish(run_id)


def _finish(run_id: str, *, after_seq: int = 0) -> tuple[Any, str]:
    """Follow a run to its end; its comparison as a document and as a table."""
    run = follow(run_id, after_seq=after_seq)
    require_done(run)
    comparison = service.comparison(run_id)
    document = {"run": run.as_json(), "comparison": comparison}
    return document, tables.run_summary(run) + "\n\n" + verdict.comparison(comparison)


def _compare(options: argparse.Namespace) -> tuple[Any, str]:
    run = service.find(options.run)
    asked = (options.lengths, options.prompt_file, options.needles, options.set or None)
    if all(one is None for one in asked):
        require_done(run)
        comparison = service.comparison(run.id)
    else:
        from engine.cli.settings import comparison_changes
        from engine.runs.remeasure import compare_again

        progress = ProgressLine()
        comparison = compare_again(
            run.id,
            lengths=options.lengths,
            needles=options.needles,
            changes=comparison_changes(options.set),
            prompt=prompt_from(options.prompt_file) if options.prompt_file else None,
            listen=progress.event,
        )
    if options.money is None or comparison is None:
        return comparison, verdict.comparison(comparison)
    from engine.cli.money import with_money

    return with_money(comparison, options.money)


def _vote(options: argparse.Namespace) -> tuple[Any, str]:
    from engine.cli.vote import vote

    if len(options.vote) not in (0, 2):
        raise BadRunConfig("A vote is a pair's number and a choice.", "Write for example: 1 left.")
    return vote(service.find(options.run).id, options.vote)


def _models(_options: argparse.Namespace) -> tuple[Any, str]:
    from dataclasses import asdict

    from engine.models.catalogue import bundled_models

    models = bundled_models()
    return [{**asdict(m), "folder": str(m.folder)} for m in models], tables.models(models)


def _runs(options: argparse.Namespace) -> tuple[Any, str]:
    if options.action in (None, "list"):
        every = service.list_runs()
        return [run.as_json() for run in every], tables.runs(every)
    run = service.find(options.run)
    if options.action == "delete":
        service.delete(run.id)
        return {"deleted": run.id}, f"Run {run.name or run.id} is deleted."
    if options.action == "resume":
        earlier = service.events(run.id)
        service.resume(run.id)
        return _finish(run.id, after_seq=earlier[-1].seq if earlier else 0)
    if options.action == "cancel":
        run = service.cancel(run.id)
    return run.as_json(), tables.run_summary(run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in arguments
    # Libraries' own bars would break into our line of progress. They look when they are imported.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    for name, value in PATIENT_THREADS.items():
        os.environ.setdefault(name, value)
    commands = {"models": _models, "convert": _convert, "compare": _compare, "vote": _vote,
                "report": report.write, "verify": report.check, "runs": _runs}  # fmt: skip
    try:
        with log_file() as place, boundary(place):
            options = _parser().parse_args(arguments)
            document, text = commands[options.command](options)
    except EngineError as error:
        return failure(error, as_json=as_json)
    except KeyboardInterrupt:
        return 130
    return answer(document, text, as_json=as_json)


if __name__ == "__main__":
    sys.exit(main())
