"""The live view says how far a run is, and why it stopped."""

from app import progress
from engine.runs.records import RunEvent
from tests.support import example_runs as examples

EVENTS = examples.events()


def test_losses_are_sorted_into_their_series() -> None:
    found = progress.series(EVENTS)
    assert {name: len(points) for name, points in found.items()} == {
        "transfer": 60, "train": 60, "validation": 3, "teacher": 3, "control": 3,
    }  # fmt: skip


def test_a_step_reported_again_after_a_resume_counts_once() -> None:
    again = RunEvent("loss", "transferring", 60, 60, {"transfer_loss": 0.5}, 999, 1.0)
    found = progress.series([*EVENTS, again])
    assert len(found["transfer"]) == 60 and found["transfer"][-1] == (60.0, 0.5)


def test_a_loss_that_is_no_number_is_left_out() -> None:
    odd = RunEvent("loss", "transferring", 61, 61, {"transfer_loss": None}, 999, 1.0)
    assert len(progress.series([*EVENTS, odd])["transfer"]) == 60


def test_a_working_run_shows_step_elapsed_and_time_left() -> None:
    run = examples.run(
        state="transferring", stage="transferring", step=30, total=60, started_at=1000.0,
        stage_started_at=1010.0, stage_first_step=0, timings={"preparing": 6.2},
    )  # fmt: skip
    html = progress.status(run, "en", now=1040.0)
    assert "Step 30 of 60" in html and "40 s since start" in html
    assert "about 30 s left in this stage" in html
    assert html.count('class="past"') == 1 and html.count("aria-current=step") == 1


def test_a_cancelled_request_is_acknowledged_at_once() -> None:
    run = examples.run(state="transferring", stage="transferring", cancel_requested_at=1.0)
    assert "Saving, then stopping" in progress.status(run, "en")


def test_endings_say_why() -> None:
    assert "Everything is measured. Working time: 57 s." in progress.status(examples.run(), "en")
    failed = examples.run(
        state="failed", stage="fine-tuning", error_message=examples.EVIL, error_hint="Try less."
    )
    html = progress.status(failed, "en")
    assert "<img" not in html and "Try less." in html and 'class="stopped"' in html
    assert "Resume goes on" in progress.status(examples.run(state="cancelled"), "en")
    assert "resume goes on" in progress.status(examples.run(state="interrupted"), "en")


def test_the_reading_compares_student_and_teacher() -> None:
    found = progress.series(EVENTS)
    assert "0.060 above the teacher's 0.960" in progress.reading(found, "en")
    found["validation"].append((80.0, 0.9))
    assert "0.060 below the teacher's" in progress.reading(found, "en")
    assert "yet to come" in progress.reading({}, "en")


def test_the_log_is_escaped_and_newest_first() -> None:
    evil = RunEvent("warning", "preparing", 0, 0, {"text": examples.EVIL}, 1, 0.0)
    html = progress.log([*EVENTS, evil], "en")
    assert "<img" not in html and "12 duplicates removed" in html
    assert html.index("&lt;img") < html.index("duplicates")
