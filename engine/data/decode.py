"""Bytes to text: refuse what is not text, and find the encoding of what is."""

from __future__ import annotations

import codecs

from engine.data import plausible
from engine.errors import BadDataset

_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive, or an Excel, Word or PowerPoint file"),
    (b"%PDF-", "a PDF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file"),
    (b"{\\rtf", "an RTF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x7fELF", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"PAR1", "a Parquet table"),
)
# UTF-32's mark begins with UTF-16's, so it comes first.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with BOM"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_ISO_2022_JP_ESCAPES = (b"\x1b$B", b"\x1b$@", b"\x1b$(", b"\x1b(J", b"\x1b(I")
# Strict CP932 before EUC-JP: Japanese EUC text almost always holds a byte pair that CP932 lacks
# (the kana from "ra" on), while CP932 text often passes for EUC-JP.
_JAPANESE = (("cp932", "CP932 (Shift-JIS)"), ("euc_jp", "EUC-JP"))
_WESTERN = "Windows-1252 (guessed)"
ENCODINGS = {
    "utf-8": ("utf-8-sig", "UTF-8"),
    "cp932": ("cp932", "CP932 (Shift-JIS)"),
    "euc-jp": ("euc_jp", "EUC-JP"),
    "iso-2022-jp": ("iso2022_jp_ext", "ISO-2022-JP"),
    "utf-16": ("utf-16", "UTF-16"),
}
"""Encodings that a user can choose instead of the one found: Python's codec, and the title."""
_KNOWN = "UTF-8, UTF-16, UTF-32, ISO-2022-JP, CP932 (Shift-JIS), EUC-JP, Windows-1252"
# Escape (0x1b) counts as text: terminal logs hold colour codes.
_CONTROL = bytes(b for b in range(32) if b not in b"\t\n\v\f\r\x1b") + b"\x7f"
_CONTROL_SHARE = 0.005

_SAVE_AS_TEXT = (
    "Save the text itself, in UTF-8, as .txt, .md, .csv, .tsv or .jsonl; an Excel, Word or PDF file"
    " is read if its name ends in .xlsx, .docx or .pdf."
)


def decode(raw: bytes, name: str, encoding: str | None = None) -> tuple[str, str]:
    """The text of a file and the name of its encoding; line ends become "\\n".

    Order: byte order mark, UTF-16 without one, ISO-2022-JP escape, strict UTF-8, strict CP932,
    EUC-JP, and as the last resort Windows-1252; all but the marked ones only where the text that
    comes out is plausible.

    Args:
        raw: the file's bytes.
        name: what the user calls it.
        encoding: a key of `ENCODINGS`; None finds it.

    Raises:
        BadDataset: the bytes are no text, in none of these encodings, or not in the chosen one.
    """
    for magic, what in _MAGIC:
        if raw.startswith(magic):
            raise BadDataset(f"{name} is {what}, not plain text.", _SAVE_AS_TEXT)
    text, title = _decode(raw, name) if encoding is None else _as_chosen(raw, name, encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n"), title


def _as_chosen(raw: bytes, name: str, encoding: str) -> tuple[str, str]:
    """The text in an encoding that the user chose, which is told apart from one that was found."""
    codec, title = ENCODINGS[encoding]
    if encoding == "utf-16" and not raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = plausible.utf_16(raw) or "utf-16-le"
    try:
        found = _decode(raw, name)[1]
    except BadDataset:
        found = None
    advice = f"Choose {found}" if found else "Choose another encoding"
    advice += ", or have it found: leave the encoding empty."
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadDataset(
            f"{name} is not in {title}: byte {error.start:,} (0x{raw[error.start]:02X}, in line"
            f" {line:,}) does not fit.",
            advice,
        ) from error
    if encoding == "utf-16" and found is not None and "UTF-16" not in found:
        # Almost any bytes are UTF-16: of Western letters, two at a time, it makes ideographs.
        raise BadDataset(f"{name} is not in {title}: what comes out is no text.", advice)
    controls = sum(text.count(chr(control)) for control in _CONTROL)
    if controls > _CONTROL_SHARE * len(text):
        raise BadDataset(
            f"{name} is not in {title}: read so, {controls:,} of its {len(text):,} characters are"
            " control characters.",
            advice,
        )
    told = f"{title}, as chosen"
    return text, told if found is None or found.startswith(title) else f"{told}; found: {found}"


def _decode(raw: bytes, name: str) -> tuple[str, str]:
    for mark, codec, title in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return _strictly(raw, name, codec, title), title
    if 0 in raw and (codec := plausible.utf_16(raw)):
        return raw.decode(codec), "UTF-16 without BOM"
    controls = len(raw) - len(raw.translate(None, _CONTROL))
    if 0 in raw or controls > _CONTROL_SHARE * len(raw):
        raise BadDataset(
            f"{name} is a binary file: {controls:,} of its {len(raw):,} bytes are no characters.",
            _SAVE_AS_TEXT,
        )
    if max(raw, default=0) < 0x80 and any(escape in raw for escape in _ISO_2022_JP_ESCAPES):
        return _strictly(raw, name, "iso2022_jp_ext", "ISO-2022-JP"), "ISO-2022-JP"
    text = _try(raw, "utf-8")
    if text is not None:
        return text, "UTF-8"
    for codec, title in _JAPANESE:
        text = _try(raw, codec)
        if text is not None and plausible.japanese(text):
            return text, title
    text = _try(raw, "cp1252")
    if text is not None and plausible.western(text):
        return text, _WESTERN
    raise BadDataset(
        f"{name} is in none of the known encodings ({_KNOWN}).", "Save it anew in UTF-8."
    )


def _try(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None


def _strictly(raw: bytes, name: str, codec: str, title: str) -> str:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        raise BadDataset(
            f"{name} says it is {title}, but byte {error.start:,} does not fit.",
            "Save it anew in UTF-8.",
        ) from error
