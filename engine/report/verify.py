"""Checking an evidence pack: is it whole, and who can say so?"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.errors import BadPack
from engine.report import signing
from engine.report.evidence_pack import MANIFEST, SIGNATURE

MOST_FILES = 1000
MOST_BYTES = 512 * 2**20
"""A pack is far smaller; what claims to be larger is not unpacked."""

Signature = Literal["valid", "invalid", "other_key"]
"""Made with this data directory's key; made with it and altered; or made with another."""


@dataclass(frozen=True)
class Verification:
    """What was found about a pack."""

    run: str
    """The run that it says it is of."""
    made: str
    """When it says it was made."""
    files: int
    """Files that the manifest lists."""
    problems: tuple[str, ...]
    """What does not fit the manifest, one line each; empty when all does."""
    signature: Signature
    manifest_sha256: str
    """To be compared with the one that the pack's maker tells."""
    expected: bool | None
    """Whether that is the one expected; null when none was given."""

    @property
    def proven(self) -> bool:
        """Whether nothing was altered, by the signature or by the hash that was expected."""
        if self.problems or self.signature == "invalid" or self.expected is False:
            return False
        return self.signature == "valid" or self.expected is True


def verify(file: Path, *, expected_sha256: str | None = None) -> Verification:
    """Check every file of a pack against the manifest, and the manifest's signature.

    Args:
        file: the zip.
        expected_sha256: of the manifest, as the pack's maker told it on another way.

    Raises:
        BadPack: there is no such file, it is no evidence pack, or it is built to do harm when
            unpacked.
    """
    if not file.is_file():
        raise BadPack(f"There is no file {file}.", "Name an evidence pack, as `report` makes it.")
    try:
        with zipfile.ZipFile(file) as archive:
            return _verify(archive, expected_sha256)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError,
            ValueError) as error:  # fmt: skip
        raise BadPack(
            f"{file.name} cannot be read as an evidence pack.",
            "Ask for the file again: it may be damaged, or be another kind of file.",
        ) from error


def _verify(archive: zipfile.ZipFile, expected_sha256: str | None) -> Verification:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise BadPack(
            "The file would unpack to more than any evidence pack holds.",
            "Do not unpack it. Ask its maker what it is.",
        )
    if MANIFEST not in names or SIGNATURE not in names:
        raise BadPack(
            f"The file is no evidence pack: it lacks {MANIFEST} or {SIGNATURE}.",
            "Make one with `python -m engine report RUN --format pack`.",
        )
    content = archive.read(MANIFEST)
    manifest = _manifest(content)
    problems = [f"twice: {name}" for name in sorted({n for n in names if names.count(n) > 1})]
    listed: dict[str, Any] = manifest["files"]
    for name, facts in listed.items():
        if name not in names:
            problems.append(f"missing: {name}")
        elif hashlib.sha256(archive.read(name)).hexdigest() != facts["sha256"]:
            problems.append(f"altered: {name}")
    known = {*listed, MANIFEST, SIGNATURE}
    problems += [f"added: {name}" for name in sorted(set(names) - known)]
    digest = hashlib.sha256(content).hexdigest()
    return Verification(
        run=str(manifest.get("run")), made=str(manifest.get("made")), files=len(listed),
        problems=tuple(problems), manifest_sha256=digest,
        signature=_signature(content, archive.read(SIGNATURE), manifest),
        expected=None if expected_sha256 is None else expected_sha256.strip().lower() == digest,
    )  # fmt: skip


def _manifest(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    files = found.get("files") if isinstance(found, dict) else None
    if not isinstance(files, dict) or not all(
        isinstance(facts, dict) and isinstance(facts.get("sha256"), str) for facts in files.values()
    ):
        raise ValueError("the manifest does not list the files")
    return found


def _signature(content: bytes, given: bytes, manifest: dict[str, Any]) -> Signature:
    secret = signing.known_key()
    if secret is not None and signing.fits(content, given.decode("ascii", "replace"), secret):
        return "valid"
    # The name of the key stands in the manifest, so whoever alters that can alter the name too:
    # "other_key" is never a pass by itself.
    ours = secret is not None and manifest.get("key") == signing.key_id(secret)
    return "invalid" if ours else "other_key"
