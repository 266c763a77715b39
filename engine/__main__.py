"""The command line: `python -m engine COMMAND`, where the command is models, convert, estimate,
compare, controls, vote, report, verify or runs.

Standard output carries the answer (with --json exactly one JSON document), standard error the
progress and the errors. Exit status: 0; 2 with a line of error and a line of hint; 130 when
cancelled; 141 when the reader of the output left early.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from engine.installation import not_installed

try:
    from engine.cli import controls, estimate, report, seeds, tables, verdict
    from engine.cli.files import destination, prompt_from
    from engine.cli.follow import ProgressLine, follow, require_done
    from engine.cli.log import log_file
    from engine.cli.output import answer, failure
    from engine.cli.parser import parser
    from engine.errors import BadRunConfig, EngineError
    from engine.runs import seeds as runs_of_seeds
    from engine.runs import service
    from engine.runs.boundary import boundary
    from engine.runs.executors.local import PATIENT_THREADS
except ModuleNotFoundError as missing:
    if (said := not_installed(missing)) is None:
        raise
    sys.stderr.write(f"error: {said[0]}\nhint: {said[1]}\n")
    sys.exit(2)


def _convert(options: argparse.Namespace) -> tuple[Any, str]:
    from engine.cli.settings import build_config
    from engine.data.ingest import resolve_data
    from engine.models.check import check_model

    # First what is known at once: the data and the model's folder, before torch is imported.
    data = resolve_data(options.data)
    wanted = options.seeds or [options.seed]
    outs = [options.out and f"{options.out}-seed{n}" for n in wanted]
    places = [destination(out) for out in (outs if options.seeds else [options.out])]
    config = build_config(
        options.model,
        options.data,
        layers=check_model(options.model).layers,
        method=options.method,
        keep_every=options.keep_softmax_every,
        recipe=options.recipe,
        seed=wanted[0], data_seed=options.data_seed,
        text_column=options.text_column,
        prompt_column=options.prompt_column, reference_column=options.reference_column,
        assignments=options.set,
    )  # fmt: skip
    done = []
    for seed, (name, folder) in zip(wanted, places, strict=True):
        one = config.model_copy(update={"seed": seed})
        run_id = service.create_run(one, data, name=name, folder=folder)
        ProgressLine().line(f"run {run_id}" + (f" ({name})" if name else ""))
        service.start(run_id)
        done.append(_finish(run_id))
    if not options.seeds:
        return done[0]
    together = runs_of_seeds.of_run(service.get(run_id))
    text = "\n\n".join([*(text for _, text in done), seeds.told(together)])
    document = {
        "seeds": together.model_dump(mode="json"), "runs": [document for document, _ in done],
    }  # fmt: skip
    return document, text


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
    if options.action == "seeds":
        require_done(run)
        together = runs_of_seeds.of_run(run)
        return together.model_dump(mode="json"), seeds.told(together)
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
                "controls": controls.train, "estimate": estimate.estimate,
                "report": report.write, "verify": report.check,
                "runs": _runs}  # fmt: skip
    try:
        with log_file() as place, boundary(place):
            options = parser(__doc__).parse_args(arguments)
            document, text = commands[options.command](options)
    except EngineError as error:
        return failure(error, as_json=as_json)
    except KeyboardInterrupt:
        return 130
    return answer(document, text, as_json=as_json)


if __name__ == "__main__":
    sys.exit(main())
