"""Zip-based office files, looked at before anything inside is parsed.

Such a file can unpack to a thousand times its size, and its XML can declare entities that grow
without end or name other files. Neither is needed by any text, so both are refused.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from engine.errors import BadDataset

MAX_UNPACKED = 256 * 2**20
"""Bytes that all parts of a file may have together."""
MAX_PARTS = 10_000

_AT_ONCE = 2**20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DECLARATIONS = ("<!DOCTYPE", "<!ENTITY")
_NEEDLES = tuple(
    word.encode(codec) for word in _DECLARATIONS for codec in ("ascii", "utf-16-le", "utf-16-be")
)
_OVERLAP = max(map(len, _NEEDLES)) - 1
_ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)")
# In any of these the declarations read as one of the needles.
_KNOWN_ENCODINGS = (b"utf-8", b"utf-16", b"us-ascii", b"ascii", b"iso-8859-1")
_SAVE_ANEW = "Open it in the program that made it, save it anew, or export its text."


@contextmanager
def opened(path: Path, name: str, what: str) -> Iterator[zipfile.ZipFile]:
    """An office file as the zip archive that it is, its size known to be bearable.

    Args:
        path: the file.
        name: what the user calls it.
        what: what it should be, e.g. "an Excel workbook".

    Raises:
        BadDataset: it is none, is protected by a password, is damaged, or unpacks to too much.
    """
    with path.open("rb") as file:
        if file.read(len(_OLE)) == _OLE:
            raise BadDataset(
                f"{name} is protected by a password, or is in the old format of before 2007.",
                "Save it without a password in today's format.",
            )
    try:
        with zipfile.ZipFile(path) as archive:
            _require_bearable(archive, name)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise BadDataset(f"{name} is damaged, or is not {what}.", _SAVE_ANEW) from error


def part(archive: zipfile.ZipFile, wanted: str, name: str, what: str) -> IO[bytes]:
    """A part of the archive, to be read.

    Raises:
        BadDataset: there is no such part.
    """
    try:
        return archive.open(wanted)
    except KeyError as error:
        raise BadDataset(f"{name} is not {what}: it lacks {wanted}.", _SAVE_ANEW) from error


def refuse_declarations(archive: zipfile.ZipFile, name: str) -> None:
    """Read every part once, in pieces: no declared entities, no damage, no lie about
    its size.

    Raises:
        BadDataset: a part declares a document type or an entity.
    """
    for info in archive.infolist():
        with archive.open(info) as file:
            before = b""
            while piece := file.read(_AT_ONCE):
                if not before and (found := _ENCODING.match(piece.lstrip(b"\xef\xbb\xbf"))):
                    if found.group(1).lower() not in _KNOWN_ENCODINGS:
                        refuse_document_type(name)
                if any(needle in before + piece for needle in _NEEDLES):
                    refuse_document_type(name)
                before = piece[-_OVERLAP:]


def refuse_document_type(name: str) -> None:
    """Refuse a file whose XML declares a document type, an entity, or an unusual encoding.

    Raises:
        BadDataset: always.
    """
    raise BadDataset(
        f"{name} holds XML declarations that no office program writes; it may be an attack.",
        "Do not open it unless you know where it comes from; then export its text.",
    )


def _require_bearable(archive: zipfile.ZipFile, name: str) -> None:
    parts = archive.infolist()
    # Python reads no more of a part than it says it has, so the sum of what they say is the most.
    unpacked = sum(info.file_size for info in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED:
        raise BadDataset(
            f"{name} unpacks to {unpacked / 2**20:,.0f} MiB in {len(parts):,} parts; at most "
            f"{MAX_UNPACKED // 2**20} MiB in {MAX_PARTS:,} are read.",
            "Take a part of it, or export its text.",
        )
    if any(info.flag_bits & 1 for info in parts):
        raise BadDataset(f"{name} is protected by a password.", "Save it without a password.")
