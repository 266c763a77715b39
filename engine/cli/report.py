"""Reports and evidence packs on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from engine import report
from engine.cli.tables import counted
from engine.errors import BadPack
from engine.runs import service


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Describe `report` and `verify` to the command line's parser.

    Args:
        commands: the parser's subparsers.
        shared: options that all commands have.
    """
    write = commands.add_parser(
        "report", help="write a run's report or evidence pack", parents=[shared]
    )
    write.add_argument("run", help="id, name or folder of a run")
    write.add_argument("--format", choices=report.FORMATS, default="pdf", help="default: pdf")
    write.add_argument("--lang", choices=report.LANGS, default="en", help="default: en")
    write.add_argument("--out", type=Path, metavar="F", help="default: in the run's folder")
    write.add_argument("--money", type=Path, metavar="F", help="your load and prices, as JSON")

    check = commands.add_parser("verify", help="check an evidence pack", parents=[shared])
    check.add_argument("pack", type=Path, help="the zip file")
    check.add_argument(
        "--expect", metavar="SHA256", help="SHA-256 of the manifest, as the pack's maker told it"
    )


def write(options: argparse.Namespace) -> tuple[Any, str]:
    """Write a report; where it is, as a document and as text."""
    from engine.cli.money import inputs_from

    run, format, lang = service.find(options.run), options.format, options.lang  # noqa: A001
    inputs = inputs_from(options.money) if options.money else None
    path = report.write(run, format, lang, money=inputs, out=options.out)
    document: dict[str, Any] = {"run": run.id, "format": format, "lang": lang, "file": str(path)}
    text = f"{path} ({path.stat().st_size:,} bytes)"
    if format == "pack":
        from engine.report.verify import verify

        document["manifest_sha256"] = verify(path).manifest_sha256
        text += f"\nManifest SHA-256, for whoever gets it: {document['manifest_sha256']}"
    return document, text


def check(options: argparse.Namespace) -> tuple[Any, str]:
    """Check an evidence pack.

    Raises:
        BadPack: it was altered, or nothing here can tell whether it was.
    """
    from engine.report.verify import verify

    file: Path = options.pack
    found = verify(file, expected_sha256=options.expect)
    if found.problems:
        raise BadPack(
            f"{file.name} does not fit its manifest: {'; '.join(found.problems[:5])[:300]}.",
            "Do not rely on it. Ask its maker for the pack again.",
        )
    if found.signature == "invalid":
        raise BadPack(
            f"The signature of {file.name} is not this data directory's, though it names its key.",
            "The manifest was altered: do not rely on it.",
        )
    if found.expected is False:
        raise BadPack(
            f"The manifest's SHA-256 is {found.manifest_sha256}, not the one expected.",
            "Do not rely on it: ask its maker for the pack and the hash again.",
        )
    if not found.proven:
        raise BadPack(
            f"{file.name} fits its manifest, but another key signed it: anyone may have made it.",
            f"Ask its maker for the manifest's SHA-256 and give it with --expect; here it is"
            f" {found.manifest_sha256}.",
        )
    how = "signed with this data directory's key" if found.signature == "valid" else (
        "with the manifest that was expected")  # fmt: skip
    document = {
        "run": found.run, "made": found.made, "files": found.files, "signature": found.signature,
        "manifest_sha256": found.manifest_sha256, "expected": found.expected,
    }  # fmt: skip
    return document, (
        f"{file.name}: {counted(found.files, 'file')} unchanged, {how}.\n"
        f"Run {found.run}, packed {found.made}. This says that nothing was altered since, and not"
        " that what was packed is true."
    )
