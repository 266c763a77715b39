"""The row of five steps above them: where one is, and the way to any other that may be looked at.

Gradio's own stepper lets nobody go forward, not even through a finished run, and cuts its numbers
off on a telephone; it is hidden. `assets/js/trail.js` marks which of these buttons work.
"""

from __future__ import annotations

import gradio as gr

from app.text import t

STEPS = ("goal", "data", "model", "convert", "compare")


def build(lang: str) -> tuple[gr.Button, ...]:
    """One button a step, in order."""
    with gr.Row(elem_id="trail"):
        return tuple(
            gr.Button(t(f"step.{name}", lang), elem_id=f"trail-{number}")
            for number, name in enumerate(STEPS, start=1)
        )
