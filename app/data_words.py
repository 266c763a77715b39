"""Why the engine refuses a data file, in the page's language.

The engine writes English. Here its sentences are known by their form, so that a page in another
language can say the same; one that is new to the page shows as the engine wrote it.
"""

from __future__ import annotations

import re

from app.notes import ENGINE_LANG
from app.text import t
from engine.errors import BadDataset

REFUSALS = {
    "scanned": "{name}_holds_no_text:_its_{n}_pages_are_pictures…",
    "encrypted": "{name}_is_encrypted.",
    "protected": "{name}_is_protected_by_a_password…",
    "damaged": "{name}_is_damaged…",
    "broken": "{name}_cannot_be_read:_it_is_damaged…",
    "no_excel": "{name}_is_not_an_Excel_workbook…",
    "no_word": "{name}_is_not_a_Word_document…",
    "attack": "{name}_holds_XML_declarations_that_no_office_program_writes…",
    "unpacks": "{name}_unpacks_to_{size}_MiB…",
    "slow": "{name}_took_more_than_{n}_s_to_read.",
    "many_pages": "{name}_has_{n}_pages;_at_most_{most}_are_read.",
    "no_sheet": "{name}_has_no_sheet_with_a_row_of_column_names…",
    "byte": "{name}_is_not_in_{encoding}:_byte_{byte}_(…",
    "no_text": "{name}_is_not_in_{encoding}:_what_comes_out…",
    "controls": "{name}_is_not_in_{encoding}:_read_so…",
    "little": "{name}_holds_too_little_text:_found_{n}_characters…",
    "empty": "{name}_is_empty:…",
    "format": "{name}_ends_in_{ending},_which_is_not_a_format_read_here.",
}
"""By key below "data.refusal": the engine's sentence with underscores for spaces, a
name for each value, and an ellipsis for a rest that does not matter."""


def refusal(error: BadDataset, lang: str) -> str | None:
    """Why a file was refused and what to do, in the page's language; None where its form is not
    known, and on a page in the engine's own."""
    key, values = _known(REFUSALS, error.message, lang)
    return t(f"data.refusal.{key}", lang, **values) if key else None


def _known(forms: dict[str, str], text: str, lang: str) -> tuple[str, dict[str, str]]:
    """The form of a sentence, "" where there is none, and the values in it."""
    if lang != ENGINE_LANG:
        for key, form in forms.items():
            if match := re.fullmatch(_pattern(form), text, re.DOTALL):
                return key, match.groupdict()
    return "", {}


def _pattern(form: str) -> str:
    plain = re.escape(form.replace("_", " ")).replace("…", ".*")
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", plain)
