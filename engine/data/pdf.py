"""PDF files: the text of each page, in order, as one text."""

from __future__ import annotations

from pathlib import Path

from engine.errors import BadDataset

MAX_PAGES = 1_000
MAX_CHARACTERS = 50_000_000


def read_pdf(path: Path, name: str) -> tuple[str, tuple[str, ...]]:
    """The text of a .pdf file, pages with an empty line between them, and notes about it.

    Lines end where they end on paper; scripts and forms inside are never run.

    Raises:
        BadDataset: it is no PDF, is encrypted, has too many pages, or no text at all.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(path)
        if reader.is_encrypted:
            raise BadDataset(
                f"{name} is encrypted.", "Save it without a password or restrictions first."
            )
        pages = len(reader.pages)
        if pages > MAX_PAGES:
            raise BadDataset(
                f"{name} has {pages:,} pages; at most {MAX_PAGES:,} are read.",
                "Take a part of it, or export its text as .txt.",
            )
        texts, size = [], 0
        for page in reader.pages:
            texts.append(_clean(page.extract_text()))
            size += len(texts[-1])
            if size > MAX_CHARACTERS:
                raise BadDataset(
                    f"{name} holds more than {MAX_CHARACTERS:,} characters.", "Take a part of it."
                )
    except PyPdfError as error:
        raise BadDataset(
            f"{name} is damaged, or is not a PDF: {error}.",
            "Open it, print it to a new PDF, or export its text.",
        ) from error
    written = [text for text in texts if text]
    if not written:
        raise BadDataset(
            f"{name} holds no text: its {pages:,} pages are pictures, as a scanner makes them.",
            "Run text recognition (OCR) over it first, then give the result.",
        )
    notes = [f"Text of {len(written):,} pages; lines end where they end on the page."]
    if blank := pages - len(written):
        notes.append(
            f"{blank:,} of {pages:,} pages hold no text (empty, or scanned pictures) and were "
            "left out."
        )
    return "\n\n".join(written), tuple(notes)


def _clean(text: str) -> str:
    """Without form feeds, which would end a document, and without halves of characters."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\f", "\n").replace("\x00", "").strip("\n ")
