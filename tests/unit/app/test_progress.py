"""The live view says how far a run is, and why it stopped."""

import sys
from types import SimpleNamespace

import pytest

from app import progress
from engine.runs import in_use
from engine.runs.records import RunEvent
from tests.support import example_runs as examples

EVENTS = examples.events()
GIB = 2**30
WORKING = examples.run(state="fine-tuning", stage="fine-tuning")


def _series(*more: RunEvent) -> progress.Series:
    return progress.Seen().add([*EVENTS, *more]).series()


def test_losses_are_sorted_into_their_series() -> None:
    found = _series()
    assert {name: len(points) for name, points in found.items()} == {
        "transfer": 60, "train": 60, "validation": 3, "teacher": 3, "control": 3,
    }  # fmt: skip


def test_a_step_reported_again_after_a_resume_counts_once() -> None:
    again = RunEvent("loss", "transferring", 60, 60, {"transfer_loss": 0.5}, 999, 1.0)
    found = _series(again)
    assert len(found["transfer"]) == 60 and found["transfer"][-1] == (60.0, 0.5)


def test_a_loss_that_is_no_number_is_left_out() -> None:
    odd = RunEvent("loss", "transferring", 61, 61, {"transfer_loss": None}, 999, 1.0)
    assert len(_series(odd)["transfer"]) == 60


def test_a_working_run_shows_step_elapsed_and_time_left() -> None:
    run = examples.run(
        state="transferring", stage="transferring", step=30, total=60, started_at=1000.0,
        stage_started_at=1010.0, stage_first_step=0, timings={"preparing": 6.2},
    )  # fmt: skip
    html = progress.status(run, progress.Seen(), "en", now=1040.0)
    assert "Step 30 of 60" in html and "40 s since start" in html
    assert "about 30 s left in this stage" in html
    assert html.count('class="past"') == 1 and html.count("aria-current=step") == 1


def test_a_cancelled_request_is_acknowledged_at_once() -> None:
    run = examples.run(state="transferring", stage="transferring", cancel_requested_at=1.0)
    assert "Saving, then stopping" in progress.status(run, progress.Seen(), "en")


def test_endings_say_why() -> None:
    seen = progress.Seen()
    assert "is measured. Working time: 57 s." in progress.status(examples.run(), seen, "en")
    failed = examples.run(
        state="failed", stage="fine-tuning", error_message=examples.EVIL, error_hint="Try less."
    )
    html = progress.status(failed, seen, "en")
    assert "<img" not in html and "Try less." in html and 'class="stopped"' in html
    assert "Resume goes on" in progress.status(examples.run(state="cancelled"), seen, "en")
    assert "resume goes on" in progress.status(examples.run(state="interrupted"), seen, "en")


def test_each_event_is_read_once() -> None:
    seen = progress.Seen("id").add(EVENTS[:50])
    seen.add(EVENTS[40:])
    assert seen.series() == _series() and seen.seq == EVENTS[-1].seq
    assert len(seen.lines) == sum(e.kind in ("note", "warning", "stage") for e in EVENTS)


def test_the_reading_is_that_of_the_step_that_is_kept() -> None:
    found = _series()
    assert "0.060 above the teacher's 0.960" in progress.reading(found, WORKING, "en")
    found["validation"].append((80.0, 1.5))  # worse: training goes on, the step is not kept
    assert "1.020 nats per token, at step 60: 0.060 above" in progress.reading(found, WORKING, "en")
    found["validation"].append((100.0, 0.9))
    assert "0.060 below the teacher's" in progress.reading(found, WORKING, "en")


def test_a_run_that_has_ended_is_told_in_the_past_tense() -> None:
    found, ended = _series(), examples.run(state="done", stage="comparing")
    assert "best reading so far is" in progress.reading(found, WORKING, "en")
    assert "best reading was" in progress.reading(found, ended, "en")
    assert "yet to come" in progress.reading({}, WORKING, "en")
    assert "No reading" in progress.reading({}, ended, "en")
    transferring = examples.run(state="transferring", stage="transferring")
    points = found["transfer"]
    assert "So far" in progress.transfer_reading(points, transferring, "en")
    for later in (WORKING, ended):
        assert "ended at" in progress.transfer_reading(points, later, "en")


def test_the_part_of_the_comparison_at_work_is_named() -> None:
    run = examples.run(state="comparing", stage="comparing", step=3, total=12)
    for part, words in {
        "held-out text, untrained": "now: Quality on held-out text: Swapped, untrained",
        "recall, converted": "now: Recall of facts: Converted",
        "speed and memory": "now: Speed and memory",
        "a new part": "now: a new part",
    }.items():
        event = RunEvent("progress", "comparing", 3, 12, {"part": part}, 1, 1.0)
        seen = progress.Seen().add([event])
        assert words in progress.status(run, seen, "en")
    assert "now:" not in progress.status(WORKING, progress.Seen(part="speed and memory"), "en")


def test_the_comparison_tells_the_time_left_once_it_is_known() -> None:
    seen, timing = progress.Seen(), "speed and memory"

    def told(seq: int, at: float, step: int, **values: object) -> str:
        run = examples.run(
            state="comparing", stage="comparing", step=step, total=20, started_at=900.0,
            stage_started_at=950.0, stage_first_step=0,
        )  # fmt: skip
        seen.add([RunEvent("progress", "comparing", step, 20, values, seq, at)])
        return progress.status(run, seen, "en", now=at + 1.0)

    early = told(1, 970.0, 18, part="answers")
    assert "Part 18 of 20" in early and "come last and take longest" in early
    unknown = told(2, 980.0, 19, part=timing)
    assert "known after its first round" in unknown
    assert "left in this stage" not in early + unknown
    assert "about 44 s left in this stage" in told(3, 1000.0, 19, part=timing, left_s=45.0)
    late = told(4, 1045.0, 19, part=timing, left_s=0.0)
    assert "almost done" in late and "0 s left" not in late
    shares = [float(html.split("width:")[1].split("%")[0]) for html in (early, unknown, late)]
    assert shares[0] <= shares[1] < 50 < shares[2] <= 100


def test_the_log_is_escaped_and_newest_first() -> None:
    evil = RunEvent("warning", "preparing", 0, 0, {"text": examples.EVIL}, 999, 0.0)
    html = progress.log(progress.Seen().add([*EVENTS, evil]), "en")
    assert "<img" not in html and "12 duplicates removed" in html
    assert html.index("&lt;img") < html.index("duplicates")


def test_a_resumed_run_says_since_when_it_counts_and_repeats_no_beginning() -> None:
    began = RunEvent("stage", "transferring", seq=1, at=100.0)
    note = RunEvent("note", "transferring", values={"text": "Resumed."}, seq=2, at=900.0)
    again = RunEvent("stage", "transferring", seq=3, at=901.0)
    seen = progress.Seen().add([began, note, again])
    run = examples.run(state="transferring", stage="transferring", started_at=900.0)
    assert "5 s since it was resumed" in progress.status(run, seen, "en", now=905.0)
    html = progress.log(seen, "en")
    assert html.count("Attention transfer began.") == 1 and "Attention transfer goes on" in html
    assert html.index("goes on") < html.index("Resumed.") < html.index("began.")


def test_what_a_runs_creation_wrote_is_no_earlier_work() -> None:
    seal = RunEvent("note", "preparing", values={"text": "Acceptance gates sealed."}, seq=1, at=1.0)
    seen = progress.Seen().add([seal, RunEvent("stage", "preparing", seq=2, at=901.0)])
    run = examples.run(state="preparing", stage="preparing", started_at=900.0)
    assert "5 s since start" in progress.status(run, seen, "en", now=905.0)


def test_a_run_cancelled_before_it_began_saved_nothing() -> None:
    run = examples.run(state="cancelled", stage=None, timings={})
    html = progress.status(run, progress.Seen(), "en")
    assert "saved" not in html and "before it began" in html


def test_no_gap_is_no_loss() -> None:
    found = {"validation": [(10.0, 0.9602)], "teacher": [(10.0, 0.96)]}
    said = progress.reading(found, WORKING, "en")
    assert "level with the teacher's 0.960" in said and "0.000" not in said


def _used(used: int, peak: int, seq: int, **more: object) -> RunEvent:
    values = {"device": "cpu", "used_bytes": used, "peak_bytes": peak, "total_bytes": 8 * 2**30}
    return RunEvent("memory", "fine-tuning", 0, 0, {**values, **more}, seq, 1.0)


def test_memory_in_use_is_a_gauge_that_says_what_it_shows() -> None:
    seen = progress.Seen().add([_used(2**30, 3 * 2**30, 1), _used(2 * 2**30, 2**30, 2)])
    html = progress.status(WORKING, seen, "en")
    assert 'role="meter"' in html and 'aria-valuenow="25"' in html
    assert 'aria-valuetext="2.00 GiB of 8.00 GiB (25 %), highest so far 3.00 GiB"' in html
    assert "<i style=\"width:25.0%\"></i><b style=\"left:37.5%\"></b>" in html
    assert "at its highest: 3.00 GiB of 8.00 GiB" in progress.status(examples.run(), seen, "en")
    assert "2.00 GiB" not in progress.log(seen, "en"), "a reading is no line of the log"
    assert "meter" not in progress.status(WORKING, progress.Seen(), "en")


def _card(used: int, reserved: int, free: int) -> SimpleNamespace:
    """PyTorch as far as it tells of a GPU of 80 GiB."""
    return SimpleNamespace(cuda=SimpleNamespace(
        is_initialized=lambda: True, mem_get_info=lambda: (free * GIB, 80 * GIB),
        memory_allocated=lambda: used * GIB, memory_reserved=lambda: reserved * GIB,
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["GPU memory of the worker", "20.0 GiB of 80.0 GiB (25 %)",
                "highest so far 40.0 GiB", "24.0 GiB reserved, 60.0 GiB in use on the whole card"]),
        ("ja", ["実行プロセスの GPU メモリ", "80.0 GiB 中 20.0 GiB（25%）",
                "これまでの最大 40.0 GiB", "確保済み 24.0 GiB、GPU 全体の使用量 60.0 GiB"]),
    ],
)  # fmt: skip
def test_a_card_is_read_and_shown_as_a_gauge_of_its_own(monkeypatch, lang, words) -> None:
    meter, seen = in_use.Meter(0.0), progress.Seen()
    for seq, (used, now) in enumerate([(40, 10.0), (20, 20.0)], start=1):
        monkeypatch.setitem(sys.modules, "torch", _card(used, 24, 20))
        values = meter.values(in_use.reading(), now)
        assert values
        seen.add([RunEvent("memory", "fine-tuning", 0, 0, values, seq, now)])
    html = progress.status(WORKING, seen, lang)
    for said in words:
        assert said in html
    assert 'aria-valuenow="25"' in html and f'aria-label="{words[0]}"' in html
    assert '<i style="width:25.0%"></i><b style="left:50.0%"></b>' in html
    ended = progress.status(examples.run(), seen, lang)
    assert words[0] in ended and "40.0 GiB" in ended and 'role="meter"' not in ended


def test_the_highest_reading_is_of_the_device_that_is_shown() -> None:
    card = {"device": "cuda", "reserved_bytes": GIB, "card_used_bytes": GIB}
    readings = [_used(6 * GIB, 6 * GIB, 1), _used(2 * GIB, 2 * GIB, 2, **card)]
    seen = progress.Seen().add(readings)
    assert "highest so far 2.00 GiB" in progress.status(WORKING, seen, "en")
    seen.add([_used(5 * GIB, 5 * GIB, 3), _used(GIB, GIB, 4, **card)])  # resumed
    assert "highest so far 2.00 GiB" in progress.status(WORKING, seen, "en")
