"""Where reports lie, under which names, and that they go with the run."""

from __future__ import annotations

import io
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from engine import report
from engine.errors import ReportUnavailable
from engine.runs import files
from tests.support import example_reports as examples


@pytest.mark.parametrize("lang", report.LANGS)
@pytest.mark.parametrize(("format", "begins"), [("html", b"<!DOCTYPE"), ("pptx", b"PK"),
                                                ("pack", b"PK")])  # fmt: skip
def test_a_report_lies_in_the_runs_folder(run, format, begins, lang) -> None:
    path = report.write(run, format, lang)
    assert path.parent == (run.folder / "reports").resolve()
    assert path.name.startswith(f"t2r-{run.id}-{lang}.")
    assert path.read_bytes().lstrip().startswith(begins)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = report.write(run, format, lang)
    assert again == path and [p.name for p in path.parent.iterdir()] == [path.name]


def test_no_name_of_the_users_becomes_a_path(tmp_path: Path) -> None:
    run = examples.finished_run(tmp_path / "run", examples.comparison(), name="../../evil")
    assert report.write(run, "html", "en").parent == (run.folder / "reports").resolve()
    assert not list(tmp_path.rglob("*evil*"))


def test_reports_go_with_the_run(run) -> None:
    report.write(run, "html", "en")
    files.delete_folder(run.folder, ours=False)
    assert not run.folder.exists()


def test_a_file_that_cannot_be_written_leaves_nothing(run, tmp_path: Path) -> None:
    place = tmp_path / "folder"
    (place / "inside").mkdir(parents=True)
    with pytest.raises(OSError):
        report.write(run, "html", "en", out=place)
    with pytest.raises(ReportUnavailable, match="missing"):
        report.write(run, "html", "en", out=tmp_path / "missing" / "a.html")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_report_shows_the_run_as_it_is_now(run) -> None:
    first = report.write(run, "html", "en").read_text()
    (run.folder / "comparison.json").write_text(
        examples.comparison(loss_percent=9.0).model_dump_json()
    )
    assert report.write(run, "html", "en").read_text() != first


def test_importing_reports_brings_nothing_heavy() -> None:
    program = (
        "import sys, engine.report\n"
        "heavy = ('torch', 'weasyprint', 'pptx', 'jinja2', 'numpy', 'pydantic')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_a_pack_holds_the_money_that_was_given(run) -> None:
    path = report.write(run, "pack", "en", money=examples.MONEY)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert "money.json" in archive.namelist()
