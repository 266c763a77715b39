"""Reports from the page: made by run id, handed out as files, refused in words."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import downloads
from app.pages import money
from app.pages import report as page
from app.pages.goal import DEFAULTS, read
from engine import report
from engine.errors import ReportUnavailable
from engine.runs import service
from engine.runs.records import Run
from tests.support import example_reports as examples
from tests.support.runs import make_run


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    made = examples.finished_run(tmp_path / "run", examples.comparison())
    get = service.get
    monkeypatch.setattr(service, "get", lambda run_id: made if run_id == made.id else get(run_id))
    return made


def _last(made: Iterator[list[Any]]) -> tuple[list[Any], list[Any]]:
    values = list(made)
    return values[0], values[-1]


def _ask(path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """What the middleware answers; 418 is the app behind it."""
    sent: list[dict[str, Any]] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    scope = {"type": "http", "method": method, "path": path}
    asyncio.run(downloads.ReportFiles(behind)(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(part["body"] for part in sent[1:])


@pytest.mark.parametrize("lang", report.LANGS)
@pytest.mark.parametrize("wanted", ["pptx", "html", "pack"])
def test_one_click_makes_a_file_that_is_handed_out(run: Run, wanted: Any, lang: str) -> None:
    busy, made = _last(page.made(run.id, lang, wanted=wanted, lang="en"))
    assert "progressbar" in busy[0] and busy[1] == "" and busy[2]["interactive"] is False
    said, address, *buttons = made
    assert f"t2r-{run.id}-{lang}." in said and str(run.folder) not in said
    assert all(button["interactive"] for button in buttons)
    status, headers, body = _ask("/" + address)
    assert status == 200 and headers["content-disposition"].startswith("attachment; filename=")
    assert headers["cache-control"] == "no-store"
    assert body == report.place(run, wanted, lang).read_bytes()  # pyright: ignore


def test_the_file_holds_the_money_that_the_run_was_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {**DEFAULTS, "context_tokens": "2048", "documents_per_day": "20000",
            "latency_limit_s": "60", "instance_price_per_hour": "100", "currency": "JPY",
            "prices_date": "2026-11-25"}  # fmt: skip
    made = examples.finished_run(tmp_path / "run", examples.comparison())
    made.config.update(read(list(form.values()), "en"))
    monkeypatch.setattr(service, "get", lambda run_id: made)
    _, (_, address, *_) = _last(page.made(made.id, "en", wanted="pack", lang="en"))
    with zipfile.ZipFile(io.BytesIO(_ask("/" + address)[2])) as pack:
        assert b'"instance_price_per_hour": 100.0' in pack.read("money.json")
    _, (_, address, *_) = _last(page.made(made.id, "en", wanted="html", lang="en"))
    assert b"made after the run was finished" not in _ask("/" + address)[2]


def test_numbers_tried_out_go_into_a_report_of_their_own_that_says_so(run: Run) -> None:
    typed = {**{name: DEFAULTS[name] for name in money.FIELDS}, "context_tokens": "2048",
             "documents_per_day": "20000", "latency_limit_s": "60",
             "instance_price_per_hour": "123"}  # fmt: skip
    told = page.made(run.id, "en", True, *typed.values(), wanted="html", lang="en")
    _, (_, address, *_) = _last(told)
    html = _ask("/" + address)[2].decode()
    assert "made after the run was finished" in html and "123" in html
    assert not report.place(run, "html", "en").exists(), "everybody's report is left alone"
    bad = page.made(run.id, "en", True, *{**typed, "latency_limit_s": "soon"}.values(),
                    wanted="html", lang="en")  # fmt: skip
    assert "Answer expected within" in _last(bad)[1][0]


def test_a_missing_library_is_said_with_a_hint_and_the_rest_works(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise ReportUnavailable("The Pango library is missing.", "Take html and print it.")

    monkeypatch.setattr("engine.report.pdf._weasyprint", missing)
    _, (said, address, *buttons) = _last(page.made(run.id, "en", wanted="pdf", lang="en"))
    assert "cannot be made here" in said and "print it" in said and address == ""
    assert all(button["interactive"] for button in buttons)
    assert _last(page.made(run.id, "en", wanted="html", lang="en"))[1][1]


def test_a_run_without_a_comparison_gets_no_report() -> None:
    run_id = make_run()
    said, address, *_ = _last(page.made(run_id, "en", wanted="html", lang="en"))[1]
    assert "nothing to report" in said and address == ""


def test_another_language_than_those_offered_is_refused(run: Run) -> None:
    said, address, *_ = _last(page.made(run.id, "../x", wanted="html", lang="en"))[1]
    assert "no reports in this language" in said and address == ""


@pytest.mark.parametrize(
    "path",
    ["/reports/../../etc/passwd", "/reports/20260101-000000000000/en.pdf",
     "/reports/sample-bundled/xx.pdf", "/reports/sample-bundled/en.exe",
     "/reports/sample-nothing/en.pdf"],
)  # fmt: skip
def test_nothing_but_a_report_is_handed_out(path: str) -> None:
    assert _ask(path)[0] in (404, 418)


def test_a_report_that_was_not_made_is_not_there(run: Run) -> None:
    assert _ask("/" + downloads.address(run.id, "html", "en"))[0] == 404


def test_other_requests_pass() -> None:
    assert _ask("/config")[0] == 418
    assert _ask("/reports/sample-bundled/en.pdf", "POST")[0] == 418
