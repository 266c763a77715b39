"""A run at work as HTML strings: its stages, its memory, its log. Every value is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from app.components import esc, wrap

StageLook = Literal["past", "now", "stopped", "ahead"]


def stages(steps: Sequence[tuple[str, str, StageLook]]) -> str:
    """The working stages in order: name, a line below it, how far it is."""
    items = "".join(
        f'<li class="{look}"{" aria-current=step" if look == "now" else ""}>'
        f"<b>{esc(name)}</b>{esc(text)}</li>"
        for name, text, look in steps
    )
    return wrap(f'<ol class="ts-stages">{items}</ol>')


def meter(share: float, peak: float, name: str, parts: Sequence[str]) -> str:
    """A gauge (share and its highest so far, 0-1) with the same in words below it."""
    width, highest = (min(1.0, max(0.0, x)) * 100 for x in (share, peak))
    said = esc(", ".join(parts))
    below = "".join(f"<span>{esc(part)}</span>" for part in parts)
    return wrap(
        f'<div class="ts-bar ts-meter" role="meter" aria-valuemin="0" aria-valuemax="100"'
        f' aria-valuenow="{width:.0f}" aria-valuetext="{said}" aria-label="{esc(name)}">'
        f'<i style="width:{width:.1f}%"></i><b style="left:{highest:.1f}%"></b></div>'
        f'<div class="ts-bar-line"><span>{esc(name)}</span>{below}</div>'
    )


def log(lines: Iterable[tuple[str, str, str]], *, name: str) -> str:
    """Log lines, newest first: time, marker for warnings ("" for notes), text."""
    items = "".join(
        f"<li><time>{esc(at)}</time>"
        + (f'<span class="warning"><b>{esc(mark)}</b>' if mark else "<span>")
        + f"{esc(text)}</span></li>"
        for at, mark, text in lines
    )
    return wrap(f'<ul class="ts-log" tabindex="0" aria-label="{esc(name)}">{items}</ul>')
