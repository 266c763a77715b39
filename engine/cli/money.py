"""The user's prices from a file, and what the conversion costs and saves by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.cli import verdict
from engine.cli.tables import table
from engine.errors import BadRunConfig
from engine.evidence.results import Comparison
from engine.evidence.roi import MoneyInputs, roi

_PARTIES = ("original", "converted")


def with_money(comparison: dict[str, Any], file: Path) -> tuple[dict[str, Any], str]:
    """The comparison with the return on the conversion, as JSON data and as text.

    Args:
        comparison: the content of comparison.json.
        file: a JSON object with the fields of `MoneyInputs`.

    Raises:
        BadRunConfig: the file cannot be read, or a number is missing or out of range.
    """
    measured = Comparison.model_validate(comparison)
    earned = roi(measured.speed, measured.timing, inputs_from(file)).model_dump(mode="json")
    text = f"{verdict.comparison(comparison)}\n\n{_told(earned)}"
    return {**comparison, "money": earned}, text


def inputs_from(file: Path) -> MoneyInputs:
    """The user's load and prices.

    Raises:
        BadRunConfig: the file cannot be read, or a number is missing or out of range.
    """
    try:
        return MoneyInputs.model_validate_json(file.read_bytes())
    except OSError as error:
        raise BadRunConfig(f"{file} cannot be read.", "Give the path of a JSON file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or file.name
        raise BadRunConfig(
            f"{where} in the prices: {first['msg']}.",
            "Give one JSON object with every field that docs/evidence.md lists.",
        ) from error


def _told(found: dict[str, Any]) -> str:
    """Cost, saving and payback in the three cases, and where converting makes it dearer."""
    inputs = found["inputs"]
    head = (
        f"Money in {inputs['currency']}, prices of {inputs['prices_date']}; conversion"
        f" {_amount(found['conversion_cost'])} once, with {found['conversion_hours']:.2f} h of"
        " computing"
    )
    if not found["cases"]:
        measured = found["measured_tokens"]
        reach = f"measured were {measured[0]:,} to {measured[1]:,}" if measured else "none measured"
        return f"{head}\nNo figures for inputs of {inputs['input_tokens']:,} tokens: {reach}."
    rows = [
        (
            one["case"],
            *(_amount(one[party]["cost_per_1000_documents"]) for party in _PARTIES),
            *(one[party]["instances"] for party in _PARTIES),
            _amount(one["saving_per_month"]),
            "never" if one["payback_months"] is None else f"{one['payback_months']:.1f}",
        )
        for one in found["cases"]
    ]
    columns = (
        "case", "1,000 documents: original", "converted", "instances: original", "converted",
        "saved a month", "payback (months)",
    )  # fmt: skip
    text = f"{head}\n{table(columns, rows)}"
    if any(one[party]["instances"] is None for one in found["cases"] for party in _PARTIES):
        text += f"\n- : one document alone takes longer than {inputs['latency_limit_s']:g} s."
    dearer = ", ".join(f"{tokens:,}" for tokens in found["dearer_at_tokens"])
    if dearer:
        text += f"\nWith inputs of {dearer} tokens the converted model takes longer per document."
    return text


def _amount(value: float | None) -> str | None:
    return None if value is None else f"{value:,.2f}"
