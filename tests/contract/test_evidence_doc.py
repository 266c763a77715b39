"""docs/evidence.md names every gate with its default, every reason and every price."""

from pathlib import Path
from typing import get_args

from engine.configs import AcceptanceGates
from engine.evidence.roi import MoneyInputs
from engine.evidence.verdict import Reason

TEXT = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text("utf-8")


def _row(name: str) -> str:
    return next(line for line in TEXT.splitlines() if line.startswith("|") and f"`{name}`" in line)


def test_every_gate_stands_there_with_its_default() -> None:
    for name, value in AcceptanceGates().model_dump().items():
        default = "none" if value is None else f"{value:g}" if isinstance(value, float) else value
        assert str(default) in _row(name), name


def test_every_reason_and_every_price_stands_there() -> None:
    for name in (*get_args(Reason), *MoneyInputs.model_fields):
        assert _row(name)
