"""The evidence pack: a zip with all that a result rests on, and a signed manifest of its hashes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shlex
import time
import zipfile
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from engine.dotted import flattened
from engine.models.files import weights_sha256
from engine.report import signing
from engine.report.content import content
from engine.report.html import html
from engine.report.source import ReportedRun, Source, place_less
from engine.report.words import Lang
from engine.version import VERSION

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FORMAT = 1
_PAGES = Path(__file__).parent / "pages"
_COLUMNS = ("text_column", "prompt_column", "reference_column")
_SET_BY_OPTIONS = ("model", "data", *_COLUMNS, "seed", "recipe_name", "method.name",
                   "kept.every", "gates_sha256")  # fmt: skip
_PLAIN = ("encoding", "mask_personal_data")


def pack(run: ReportedRun, source: Source, lang: Lang) -> bytes:
    """The pack of a run as the bytes of a zip file.

    Args:
        run: whose folder holds the files.
        source: what was read of it.
        lang: of the report inside and of REPRODUCE.md.
    """
    files = _files(run, source, lang)
    manifest = _json(
        {
            "format": FORMAT,
            "run": source.run_id,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "software": f"T2R Studio {VERSION}",
            "key": signing.key_id(signing.key()),
            "files": {
                name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
                for name, data in files.items()
            },
        }
    )
    files[MANIFEST] = manifest
    files[SIGNATURE] = (signing.signature(manifest, signing.key()) + "\n").encode()
    made = io.BytesIO()
    now = time.gmtime()[:6]
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, date_time=now)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return made.getvalue()


def _files(run: ReportedRun, source: Source, lang: Lang) -> dict[str, bytes]:
    comparison = source.comparison
    shown = {key: place_less(str(run.config[key])) for key in ("model", "data")}
    config = {**run.config, **shown}
    verdict = comparison.verdict.model_dump(mode="json") if comparison.verdict else None
    money = source.money.model_dump(mode="json") if source.money else None
    hashes = _hashes(run, source)
    files = {
        "REPRODUCE.md": _reproduce(source, hashes, lang).encode(),
        "report.html": html(content(source, lang)).encode(),
        "config.json": _json(config),
        "gates.json": _json(_gates(source)),
        "verdict.json": _json(verdict),
        "comparison.json": (run.folder / "comparison.json").read_bytes(),
        "metrics.csv": _metrics(source),
        "outputs.jsonl": _outputs(run, source),
        "environment.json": _json(comparison.environment.model_dump(mode="json")),
        "packages.txt": _packages(),
        "hashes.json": _json(hashes),
    }
    if money is not None:
        files["money.json"] = _json(money)
    for name in ("pairs.json", "votes.json", "controls.json"):
        if (run.folder / name).is_file():
            files[name] = (run.folder / name).read_bytes()
    return files


def _json(document: Any) -> bytes:
    return (json.dumps(document, ensure_ascii=True, indent=1) + "\n").encode()


def _gates(source: Source) -> dict[str, Any]:
    """The gates as frozen, their seal, and whether the verdict found it whole."""
    verdict = source.comparison.verdict
    return {
        "gates": source.config.get("gates"),
        "gates_sha256": source.config.get("gates_sha256"),
        "state": verdict.gates_state if verdict else None,
    }


def _metrics(source: Source) -> bytes:
    """Every number of the comparison by its dotted place, for spreadsheets; the maps, ten thousand
    weights of one passage, stand in comparison.json alone."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("metric", "value"))
    document = source.comparison.model_dump(
        mode="json", exclude={"answers": True, "environment": True, "fidelity": {"maps"}}
    )
    for key, value in _numbers(document):
        writer.writerow((key, value))
    return text.getvalue().encode("utf-8-sig")  # the mark tells Excel that it is UTF-8


def _numbers(value: Any, place: str = "") -> list[tuple[str, float]]:
    if isinstance(value, dict):
        return [row for key, one in value.items()
                for row in _numbers(one, f"{place}.{key}" if place else str(key))]  # fmt: skip
    if isinstance(value, list):
        return [row for i, one in enumerate(value) for row in _numbers(one, f"{place}.{i}")]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [(place, value)]
    return []


def _outputs(run: ReportedRun, source: Source) -> bytes:
    """The two answers, and the pairs of the blind vote with who wrote what."""
    answers = source.comparison.answers
    rows: list[dict[str, Any]] = [
        {"kind": "answer", "party": party, "prompt_tail": answers.prompt_tail,
         "expected": answers.expected, **getattr(answers, party).model_dump(mode="json")}
        for party in ("original", "converted")
    ]  # fmt: skip
    pairs = run.folder / "pairs.json"
    if pairs.is_file():
        for pair in json.loads(pairs.read_text("utf-8"))["pairs"]:
            rows.append({"kind": "vote_pair", **pair})
    return "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows).encode()


def _packages() -> bytes:
    """Every package of the Python that made the pack, which need not be the one that measured."""
    found = {f"{d.metadata['Name']}=={d.version}" for d in distributions() if d.metadata["Name"]}
    return ("\n".join(sorted(found, key=str.lower)) + "\n").encode()


def _hashes(run: ReportedRun, source: Source) -> dict[str, Any]:
    """SHA-256 as recorded when measured, and as the files in the run's folder are now."""
    answers = source.comparison.answers
    found: dict[str, Any] = {
        "data": {"file": source.comparison.dataset.get("name"),
                 "recorded": source.comparison.dataset.get("sha256"),
                 "now": _of_one(run.folder / "data")},
        "original": {"recorded": answers.original.weights_sha256},
        "converted": {"recorded": answers.converted.weights_sha256,
                      "now": _of_weights(run.folder / "converted")},
        "control": {"now": _of_weights(run.folder / "control")},
    }  # fmt: skip
    for entry in found.values():
        if entry.get("now") and entry.get("recorded"):
            entry["same"] = entry["now"] == entry["recorded"]
    return found


def _of_one(folder: Path) -> str | None:
    files = [path for path in sorted(folder.glob("*")) if path.is_file()]
    return weights_sha256(files) if len(files) == 1 else None


def _of_weights(folder: Path) -> str | None:
    files = sorted(folder.glob("*.safetensors"))
    return weights_sha256(files) if files else None


def _reproduce(source: Source, hashes: dict[str, Any], lang: Lang) -> str:
    where, line = source.comparison.environment, command(source.config)
    longest = max((len(ticks) for ticks in re.findall("`+", line)), default=0)
    values = {
        "run": source.run_id,
        "command": line,
        "fence": "`" * max(3, longest + 1),  # no setting can end the block
        "data_file": _code(str(hashes["data"]["file"])),
        "data_sha256": hashes["data"]["recorded"],
        "original_sha256": hashes["original"]["recorded"],
        "converted_sha256": hashes["converted"]["recorded"],
        "engine": where.engine,
        "torch": where.torch,
        "transformers": where.transformers,
        "python": where.python,
        "machine": f"{where.machine}, {where.cpu}, {where.device}",
    }
    page = (_PAGES / f"reproduce.{lang}.md").read_text(encoding="utf-8")
    return page.format(**values)


def _code(text: str) -> str:
    """A file's name between backquotes: no name can end them or begin a line."""
    return "`" + " ".join(text.replace("`", "'").split()) + "`"


def command(config: dict[str, Any]) -> str:
    """The command line that makes the same run, every setting spelled out.

    The recipe's name is only a shorthand, so all its settings are written and none depends on a
    later version's defaults.
    """
    data, model = place_less(str(config["data"])), place_less(str(config["model"]))
    words = ["python", "-m", "engine", "convert", model, data,
             "--method", config["method"]["name"],
             "--keep-softmax-every", str(config.get("kept", {}).get("every", 0)),
             "--seed", str(config.get("seed", 0)),
             "--data-seed", str(config.get("data_seed", config.get("seed", 0)))]  # fmt: skip
    for column in _COLUMNS:
        # Runs from before there were tasks read every table as text.
        named = config.get(column, None if column == "text_column" else "")
        if named is not None:
            words += [f"--{column.replace('_', '-')}", named]
    # The goal's load and prices decide nothing that is measured; the pack has them.
    nested = {
        key: value
        for key, value in config.items()
        if (isinstance(value, dict) and key != "goal") or (key in _PLAIN and value)
    }
    settings = [
        f"{key}={_value(value)}"
        for key, value in flattened(nested).items()
        if key not in _SET_BY_OPTIONS
    ]
    lines = [" ".join(map(shlex.quote, words))]
    lines += [f"  --set {shlex.quote(setting)}" for setting in settings]
    return " \\\n".join(lines)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
