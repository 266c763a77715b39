"""The last step: what happens on which click."""

from __future__ import annotations

from functools import partial

from app.blocks import SILENT
from app.pages import controls, drawing, duel, grid, inner, money, pace, report, vote
from app.scripts import leading, script
from app.studio import Studio


def connect(studio: Studio) -> None:
    """Connect everything below the verdict."""
    _drawing(studio)
    _looking(studio)
    _watching(studio)
    _controlling(studio)
    _deciding(studio)
    _reporting(studio)


def _drawing(studio: Studio) -> None:
    """The charts, one group after the other. A group that is asked for while an earlier answer is
    under way is asked for again after it: the earlier one may be of the run before."""
    follow = studio.compare.told.change
    for group in drawing.groups(studio.compare, studio.lang):
        follow = follow(
            partial(drawing.draw, group, lang=studio.lang), studio.run_id,
            [*group.outputs, studio.notice], trigger_mode="always_last", **SILENT,
        ).then  # fmt: skip


def _looking(studio: Studio) -> None:
    """Choices on the last step that change what is shown, and nothing else."""
    recalled, inside = studio.compare.grid, studio.compare.inner
    paced = studio.compare.pace
    paced.view.input(
        partial(pace.show, paced, lang=studio.lang), [studio.run_id, paced.view], paced.charts(),
        **SILENT,
    )  # fmt: skip
    recalled.choice.input(
        partial(grid.show, recalled, lang=studio.lang), [studio.run_id, recalled.choice],
        recalled.grid.outputs(), **SILENT,
    )  # fmt: skip
    for control, show, shown in (
        (inside.measure, inner.show_measure, inside.heads),
        (inside.head, inner.show_head, inside.pair),
        (inside.token, inner.show_token, inside.drawn),
    ):
        # A person's choice only: what a run brings along is drawn already.
        control.input(
            partial(show, inside, lang=studio.lang), [studio.run_id, control], shown.outputs(),
            **SILENT,
        )  # fmt: skip


def _watching(studio: Studio) -> None:
    panel = studio.compare.duel
    panel.file.upload(
        partial(duel.read_file, lang=studio.lang), panel.file,
        [panel.text, panel.about, panel.said], queue=False, api_visibility="private",
    )  # fmt: skip
    for button, long in ((panel.fitting, False), (panel.long, True)):
        button.click(
            partial(duel.offer, long=long, lang=studio.lang), studio.run_id, panel.offered(),
            **SILENT,
        ).then(None, None, None, js=script("to_end"))  # fmt: skip
    panel.text.input(None, None, panel.about, js="() => ''")
    panel.whole.input(
        partial(duel.tick, lang=studio.lang), [studio.run_id, panel.text, panel.whole],
        panel.about, **SILENT,
    )  # fmt: skip
    # Queued, unlike all else: it goes on for as long as both models write.
    running = panel.start.click(
        partial(duel.watch, lang=studio.lang), [studio.run_id, panel.text, panel.whole],
        panel.followed(), api_visibility="private", show_progress="hidden",
        concurrency_id="side-by-side", concurrency_limit=1,
    )  # fmt: skip
    panel.stop.click(
        partial(duel.stop, lang=studio.lang), panel.seen, panel.watched(), cancels=[running],
        **SILENT,
    )  # fmt: skip


def _controlling(studio: Studio) -> None:
    panel, lang, run_id = studio.controls, studio.lang, studio.run_id
    outputs = panel.outputs()
    panel.start.click(
        partial(controls.start, lang=lang), [run_id, panel.choices], outputs, **SILENT
    )
    panel.cancel.click(partial(controls.cancel, lang=lang), run_id, outputs, **SILENT)
    panel.timer.tick(partial(controls.look, lang=lang), run_id, outputs, **SILENT)


def _deciding(studio: Studio) -> None:
    panel, ballot = studio.compare.money, studio.compare.vote
    form = [studio.run_id, *panel.fields.values()]
    panel.try_out.click(
        partial(money.try_out, panel=panel, lang=studio.lang), form,
        [*panel.figures(), studio.report.tried], **SILENT,
    )  # fmt: skip
    for choice, button in zip(vote.CHOICES, ballot.choices, strict=True):
        button.click(
            partial(vote.cast, choice=choice, lang=studio.lang),
            [studio.run_id, ballot.number, ballot.tried], ballot.outputs(), **SILENT,
        )  # fmt: skip


def _reporting(studio: Studio) -> None:
    panel = studio.report
    form = [studio.run_id, panel.lang, panel.tried, *studio.compare.money.fields.values()]
    for wanted, button in panel.buttons.items():
        # Queued: making a report takes seconds, and more than two at once would slow everyone.
        button.click(
            partial(report.made, wanted=wanted, lang=studio.lang), form, panel.outputs(),
            api_visibility="private", show_progress="hidden", concurrency_id="report",
            concurrency_limit=2,
        )  # fmt: skip
    panel.jump.click(None, None, None, js=leading("#report", "#report-pdf"))
    panel.address.change(None, panel.address, None, js=script("download"))
