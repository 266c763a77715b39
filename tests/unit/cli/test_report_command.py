"""`report` and `verify` on the command line, for the sample that comes with the project."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from engine.__main__ import main


@pytest.fixture(autouse=True)
def data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))


def _packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    place = tmp_path / "pack.zip"
    assert (
        main(["report", "sample-bundled", "--format", "pack", "--out", str(place), "--json"]) == 0
    )
    document = json.loads(capsys.readouterr().out)
    assert document["file"] == str(place.resolve()) and document["lang"] == "en"
    return place, document["manifest_sha256"]


@pytest.mark.parametrize(("format", "lang"), [("html", "en"), ("html", "ja"), ("pptx", "ja")])
def test_a_report_is_written_where_asked(tmp_path: Path, capsys, format, lang) -> None:
    place = tmp_path / f"a.{format}"
    options = ["--format", format, "--lang", lang, "--out", str(place)]
    assert main(["report", "sample-bundled", *options]) == 0
    assert str(place) in capsys.readouterr().out and place.stat().st_size > 10_000


def test_a_pack_is_made_and_checked(tmp_path: Path, capsys) -> None:
    place, _ = _packed(tmp_path, capsys)
    assert main(["verify", str(place)]) == 0
    assert "unchanged, signed with this data directory's key" in capsys.readouterr().out


def test_elsewhere_the_hash_decides(tmp_path: Path, capsys, monkeypatch) -> None:
    place, told = _packed(tmp_path, capsys)
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "elsewhere"))
    assert main(["verify", str(place)]) == 2
    assert f"here it is {told}" in capsys.readouterr().err
    assert main(["verify", str(place), "--expect", told]) == 0
    assert main(["verify", str(place), "--expect", "0" * 64]) == 2


def test_a_tampered_pack_is_an_error_of_two_lines(tmp_path: Path, capsys) -> None:
    place, _ = _packed(tmp_path, capsys)
    with zipfile.ZipFile(place, "a") as archive:
        archive.writestr("added.txt", "x")
    assert main(["verify", str(place)]) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert "added: added.txt" in error and hint.startswith("hint: Do not rely on it")


@pytest.mark.parametrize(
    "options", [["--format", "docx"], ["--lang", "fr"], ["--money", "missing.json"]]
)
def test_what_does_not_exist_is_refused(tmp_path: Path, capsys, options) -> None:
    place = tmp_path / "a.html"
    arguments = ["report", "sample-bundled", "--format", "html", "--out", str(place), *options]
    assert main(arguments) == 2
    assert not place.exists() and capsys.readouterr().err.count("\n") == 2
