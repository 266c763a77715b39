"""Reports of a run: HTML, PDF, PowerPoint, and the evidence pack.

    from engine import report
    path = report.write(run, "pdf", "ja")

`write` is all that a page or the command line needs. Nothing heavy is imported before it is called.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from engine.directories import data_directory
from engine.errors import ReportUnavailable
from engine.report.words import LANGS, Lang

if TYPE_CHECKING:
    from engine.evidence.roi import MoneyInputs
    from engine.report.source import ReportedRun, Source

__all__ = ["FORMATS", "LANGS", "Format", "Lang", "place", "write"]

Format = Literal["pdf", "pptx", "html", "pack"]
FORMATS: tuple[Format, ...] = get_args(Format)
_ENDINGS: dict[Format, str] = {"pdf": ".pdf", "pptx": ".pptx", "html": ".html", "pack": ".zip"}


def write(
    run: ReportedRun,
    format: Format,  # noqa: A002 - the word that the user says
    lang: Lang,
    *,
    money: MoneyInputs | None = None,
    out: Path | None = None,
) -> Path:
    """Write a report of a run and say where it is.

    It is made anew at every call (two seconds at most on an idle processor), so it shows the run
    as it is: votes cast since, a comparison measured again. A file that was there is replaced as a
    whole, and two calls at once do not disturb each other. Call it off the event loop.

    Args:
        run: a run that has a comparison, the user's own or a sample: what `engine.runs.service.get`
            gives.
        format: "pdf", "pptx", "html", or "pack" (the evidence pack, a zip).
        lang: "en" or "ja".
        money: the user's load and prices; without them the report says that none were entered.
        out: the file to write. Without it, the report lies in the run's folder, from where it goes
            when the run is deleted; a sample's lies in the data directory. The name holds the run's
            id and nothing that a user typed.

    Returns:
        The file's absolute path.

    Raises:
        BadRunConfig: the run has no comparison yet, or an unreadable one.
        ReportUnavailable: "pdf" where the Pango library is missing, the other formats work there;
            or `out` lies in a folder that is not there.
        OSError: the file cannot be written.
    """
    from engine.report.source import gather

    source = gather(run, money)
    content = _made(run, source, format, lang)
    if out is None:
        target = place(run, format, lang)
        target.parent.mkdir(mode=0o700, exist_ok=True)
    else:
        target = out.expanduser().resolve()
        if not target.parent.is_dir():
            raise ReportUnavailable(
                f"There is no folder {target.parent} to write the report to.",
                "Make it first, or choose another place.",
            )
    partial = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex}")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _made(run: ReportedRun, source: Source, format: Format, lang: Lang) -> bytes:  # noqa: A002
    from engine.report.content import content

    if format == "pack":
        from engine.report.evidence_pack import pack

        return pack(run, source, lang)
    report = content(source, lang)
    if format == "pdf":
        from engine.report.pdf import pdf

        return pdf(report)
    if format == "pptx":
        from engine.report.pptx import pptx

        return pptx(report)
    from engine.report.html import html

    return html(report).encode("utf-8")


def place(run: ReportedRun, format: Format, lang: Lang) -> Path:  # noqa: A002
    """Where `write` puts a report for which no other place is named, whether it is there or not."""
    folder = data_directory() / "sample-reports" if run.sample else run.folder / "reports"
    return folder.resolve() / f"t2r-{run.id}-{lang}{_ENDINGS[format]}"
