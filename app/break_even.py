"""Break-even: what each model has cost since the conversion, month by month."""

from __future__ import annotations

import math

from app import charts, tables, worth
from app.charts import Figure
from app.components import Party
from app.numbers import count, money, number
from app.text import sentences, t
from engine.evidence.roi import Payback, Roi, Serving

SIDES: tuple[Party, Party] = ("original", "converted")
SURE_MONTHS = 12
"""Beyond a year the same load and prices are an assumption that a line must not hide."""
_MOST_MONTHS = 60


def _base(found: Roi) -> Payback | None:
    """The base case where both models can serve at all."""
    base = next((case for case in found.cases if case.case == "base"), None)
    return None if base is None or base.saving_per_month is None else base


def months(found: Roi) -> int:
    """How far the chart goes: a year, or half as far again as the break-even, at most 60 months."""
    base = _base(found)
    paid = base.payback_months if base else None
    return (
        SURE_MONTHS if paid is None else max(SURE_MONTHS, min(_MOST_MONTHS, math.ceil(1.5 * paid)))
    )


def spent(found: Roi, case: Payback, party: Party, month: float) -> float | None:
    """What a model has cost after so many months, the conversion included; None where it cannot
    serve within the limit."""
    serving: Serving = getattr(case, party)
    if serving.cost_per_month is None:
        return None
    once = found.conversion_cost if party == "converted" else 0.0
    return once + month * serving.cost_per_month


def chart(found: Roi | None, lang: str) -> Figure | None:
    """Cost so far by month, base line and low-to-high band; None without prices or figures."""
    base = _base(found) if found else None
    if found is None or base is None:
        return None
    end, currency = months(found), found.inputs.currency
    near, far = list(range(SURE_MONTHS + 1)), list(range(SURE_MONTHS, end + 1))
    traces = []
    for party in SIDES:
        ends = [[x for case in found.cases if (x := spent(found, case, party, m)) is not None]
                for m in range(end + 1)]  # fmt: skip
        traces.append(charts.band(party, list(range(end + 1)), list(map(min, ends)),
                                  list(map(max, ends))))  # fmt: skip
        for some, name in ((near, None), (far, t("breakeven.beyond", lang))):
            if len(some) < 2:
                continue
            line = charts.line(party, some, [spent(found, base, party, m) for m in some], lang,
                               unit=currency, markers=False, name=name)  # fmt: skip
            if name:  # one line of the legend is enough
                line |= {"line": {**line["line"], "dash": "dot", "width": 1.5},
                         "showlegend": party == "converted"}  # fmt: skip
            traces.append(line)
    made = charts.figure(
        traces, t("breakeven.months", lang), t("breakeven.cost", lang, currency=currency)
    )
    paid = base.payback_months
    if paid is not None and paid <= end:
        _mark(made, paid, spent(found, base, "original", paid), currency, lang)
    made["layout"]["yaxis"]["tickformat"] = ",.3~s"
    return made


def _mark(made: Figure, month: float, cost: float | None, currency: str, lang: str) -> None:
    """The crossing, named beside it."""
    made["data"].append({
        "type": "scatter", "mode": "markers", "name": t("breakeven.crossing", lang),
        "x": [month], "y": [cost], "hovertemplate": "%{y:,.4~g} " + currency,
        "marker": {"color": "#111827", "symbol": "diamond", "size": 12},
    })  # fmt: skip
    made["layout"]["annotations"] = [{
        "x": month, "y": cost, "ax": -46, "ay": -30, "arrowhead": 0, "arrowcolor": "#6B7280",
        "text": worth.months(month, lang),
    }]  # fmt: skip


def reading(found: Roi, lang: str) -> str:
    """When the lines cross, in the base case and between the best and the worst timings."""
    base = _base(found)
    if base is None:
        return ""
    paid = base.payback_months
    said = [
        t("breakeven.never", lang)
        if paid is None
        else t("breakeven.after", lang, months=worth.months(paid, lang))
    ]
    ends = {case.case: case.payback_months for case in found.cases}
    if ends["low"] is None and ends["high"] is not None:
        best = worth.months(ends["high"], lang)
        said.append(t("breakeven.perhaps", lang, best=best))
    elif ends["low"] is not None and ends["high"] is not None:
        said.append(t("breakeven.between", lang, best=number(ends["high"], 2),
                      worst=number(ends["low"], 2)))  # fmt: skip
    said.append(t("breakeven.assumed", lang))
    return sentences(lang, said)


def table(found: Roi, lang: str) -> str:
    """Cost so far, by quarter of a year: base, and from the lowest to the highest."""
    base, currency = _base(found), found.inputs.currency
    if base is None:
        return ""
    rows = []
    for month in range(0, months(found) + 1, 3):
        cells = []
        for party in SIDES:
            ends = [
                x for case in found.cases if (x := spent(found, case, party, month)) is not None
            ]
            span = f"{money(min(ends), currency, lang)}–{money(max(ends), currency, lang)}"
            cells += [money(spent(found, base, party, month), currency, lang), span]
        rows.append([count(month), *cells])
    columns = [t("breakeven.months", lang)]
    for party in SIDES:
        columns += [t(f"party.{party}", lang), t("breakeven.span", lang)]
    return tables.numbers(columns, rows, t("breakeven.title", lang), lang)
