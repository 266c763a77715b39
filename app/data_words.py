"""What the engine says of a data file, its notes and its refusals, in the page's language.

The engine writes English. Here its sentences are known by their form, so that a page in another
language can say the same; one that is new to the page shows as the engine wrote it.
"""

from __future__ import annotations

import re

from app import notes
from app.notes import ENGINE_LANG
from app.text import t
from engine.errors import BadDataset

NOTES = {
    "cut": "One_running_text,_cut_at_paragraphs_into_{n}_documents.",
    "few_texts": "Only_{texts}_different_texts,_cut_at_paragraphs_into_{n}_documents.",
    "task": "Each_row_is_a_task:_'{prompt}'_asks,_'{reference}'_is_the_right_answer.",
    "blank": "{n}_rows_without_text_were_left_out.",
    "thinned": "{n}_of_{all}_documents_are_used,_evenly_spread…",
    "masked": "Personal_data_was_replaced_in_{n}_of_{all}_documents.",
    "sheet": "The_sheet_'{sheet}'_is_read.",
    "sheets": "The_sheet_'{sheet}'_is_read;_{others}_is_not.",
    "formulas": "{n}_cells_hold_a_formula_whose_result…",
    "pages": "Text_of_{n}_pages;_lines_end_where_they_end_on_the_page.",
    "blank_pages": "{n}_of_{all}_pages_hold_no_text…",
}
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
}
"""By key below "data.note" and "data.refusal": the engine's sentence with underscores for spaces, a
name for each value, and an ellipsis for a rest that does not matter."""


def note(text: str, lang: str) -> str:
    """A note on a file in the page's language."""
    key, values = _known(NOTES, text, lang)
    return t(f"data.note.{key}", lang, **values) if key else notes.told(text, lang)


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
