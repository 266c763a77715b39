"""The pack is whole and signed; whatever is changed in it is found."""

from __future__ import annotations

import hashlib
import json
import shlex
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import report
from engine.cli.settings import build_config
from engine.configs import KeptLayers
from engine.errors import BadPack, EngineError
from engine.methods import METHODS
from engine.report import signing
from engine.report.evidence_pack import MANIFEST, SIGNATURE, command
from engine.report.verify import verify
from engine.runs import samples
from tests.support import example_reports as examples

Change = Callable[[dict[str, bytes]], None]


@pytest.fixture
def pack(run, tmp_path: Path) -> Path:
    return report.write(run, "pack", "en", out=tmp_path / "pack.zip")


def _rewritten(pack: Path, change: Change) -> Path:
    with zipfile.ZipFile(pack) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    made = pack.with_name("changed.zip")
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made


def _flip(files: dict[str, bytes]) -> None:
    text = files["verdict.json"].decode()
    files["verdict.json"] = text.replace('"no_go"', '"go"').encode()
    assert files["verdict.json"].decode() != text


def _hide(files: dict[str, bytes]) -> None:
    """Alter a file and bring the manifest up to date, as one without the key can."""
    _flip(files)
    manifest = json.loads(files[MANIFEST])
    digest = hashlib.sha256(files["verdict.json"]).hexdigest()
    manifest["files"]["verdict.json"]["sha256"] = digest
    files[MANIFEST] = json.dumps(manifest).encode()


def _hide_with_another_key(files: dict[str, bytes]) -> None:
    _hide(files)
    manifest = {**json.loads(files[MANIFEST]), "key": signing.key_id(b"x" * 32)}
    files[MANIFEST] = json.dumps(manifest).encode()
    files[SIGNATURE] = signing.signature(files[MANIFEST], b"x" * 32).encode()


def test_a_pack_is_whole_and_holds_what_the_run_wrote(run, pack: Path) -> None:
    found = verify(pack)
    assert found.problems == () and found.signature == "valid" and found.proven
    with zipfile.ZipFile(pack) as archive:
        names = set(archive.namelist())
        assert archive.read("comparison.json") == (run.folder / "comparison.json").read_bytes()
        gates = json.loads(archive.read("gates.json"))
        hashes = json.loads(archive.read("hashes.json"))
        verdict = json.loads(archive.read("verdict.json"))
        metrics = archive.read("metrics.csv").decode("utf-8-sig")
    assert names >= {"config.json", "REPRODUCE.md", "report.html", "environment.json",
                     "outputs.jsonl", "packages.txt"}  # fmt: skip
    assert gates["gates"] == run.config["gates"] and gates["state"] == "frozen"
    assert gates["gates_sha256"] == run.config["gates_sha256"]
    assert verdict == json.loads((run.folder / "comparison.json").read_text())["verdict"]
    assert f"quality.converted.perplexity,{2.702}" in metrics
    assert "fidelity.states.0.norms.3,4.5" in metrics and "fidelity.maps" not in metrics
    data = (run.folder / "data" / "cases.jsonl").read_bytes()
    assert hashes["data"]["now"] == hashlib.sha256(data).hexdigest()
    assert hashes["converted"] == {
        "recorded": "b" * 64, "now": hashlib.sha256(b"weights").hexdigest(), "same": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "problem"),
    [(_flip, "altered: verdict.json"),
     (lambda files: files.pop("gates.json"), "missing: gates.json"),
     (lambda files: files.update({"more.txt": b"x"}), "added: more.txt")],
)  # fmt: skip
def test_what_is_changed_is_found(pack: Path, change: Change, problem: str) -> None:
    found = verify(_rewritten(pack, change))
    assert found.problems == (problem,) and not found.proven


def test_a_manifest_that_was_made_to_fit_has_no_valid_signature(pack: Path) -> None:
    found = verify(_rewritten(pack, _hide))
    assert found.problems == () and found.signature == "invalid" and not found.proven
    found = verify(_rewritten(pack, _hide_with_another_key))
    assert found.problems == () and found.signature == "other_key" and not found.proven


def test_a_file_that_is_there_twice_is_found(pack: Path) -> None:
    with zipfile.ZipFile(pack, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("verdict.json", "{}")
    problems = verify(pack).problems
    assert "twice: verdict.json" in problems and "altered: verdict.json" in problems


def test_others_need_the_hash_from_its_maker(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = verify(pack).manifest_sha256
    changed = _rewritten(pack, _hide_with_another_key)
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "elsewhere"))
    found = verify(pack)
    assert found.signature == "other_key" and found.problems == () and not found.proven
    assert verify(pack, expected_sha256=told.upper()).proven
    assert not verify(changed, expected_sha256=told).proven
    assert not (tmp_path / "elsewhere" / signing.KEY_FILE).exists()  # looking makes no key


def test_the_key_is_the_owners_and_stays(data_directory: Path) -> None:
    first = signing.key()
    file = data_directory / signing.KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(first) == 32
    assert signing.key() == first and [p.name for p in data_directory.iterdir()] == [file.name]
    file.write_bytes(b"short")
    with pytest.raises(EngineError, match="holds no key"):
        signing.key()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04broken"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(BadPack):
        verify(tmp_path / "a.zip")


def test_a_damaged_pack_and_a_strange_manifest_are_refused(pack: Path) -> None:
    for manifest in (b"[]", b"\xff", b'{"files": {"a": 1}}'):
        changed = _rewritten(pack, lambda files, m=manifest: files.update({MANIFEST: m}))
        with pytest.raises(BadPack):
            verify(changed)
    with pytest.raises(BadPack, match="lacks"):
        verify(_rewritten(pack, lambda files: files.pop(SIGNATURE)))
    damaged = bytearray(pack.read_bytes())
    damaged[200:260] = bytes(60)
    pack.write_bytes(bytes(damaged))
    with pytest.raises(BadPack):
        verify(pack)


def test_a_file_that_would_unpack_without_end_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.report.verify.MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, b" " * 5000)
    with pytest.raises(BadPack, match="unpack to more"):
        verify(tmp_path / "bomb.zip")


@pytest.mark.parametrize("method", [m for m in METHODS if m != "softmax"])
def test_the_command_in_reproduce_makes_the_same_settings(method: str) -> None:
    config = examples.config_of(
        method=METHODS[method](), kept=KeptLayers(every=2, layers=(0, 3)), seed=7,
        text_column="本文 `a`", recipe_name="balanced", encoding="euc-jp", mask_personal_data=True,
    )  # fmt: skip
    words = shlex.split(command(config.model_dump(mode="json")).replace("\\\n", ""))
    assert words[:6] == ["python", "-m", "engine", "convert", "business-2k", "cases.jsonl"]
    options = dict(zip(words[6::2], words[7::2]))
    made = build_config(
        words[4], words[5], layers=4, method=options["--method"],
        keep_every=int(options["--keep-softmax-every"]), seed=int(options["--seed"]),
        data_seed=int(options["--data-seed"]),
        text_column=options["--text-column"],
        assignments=[value for name, value in zip(words[6::2], words[7::2]) if name == "--set"],
    )  # fmt: skip
    same = {"recipe_name", "gates_sha256"}
    assert made.model_dump(exclude=same) == config.model_dump(exclude=same)


def test_no_setting_ends_the_block_of_the_command(tmp_path: Path) -> None:
    comparison = {"prompt": "a\n```\n# Not a heading\n````"}
    run = examples.finished_run(tmp_path / "x", examples.comparison(), comparison=comparison)
    for lang in report.LANGS:
        with zipfile.ZipFile(report.write(run, "pack", lang)) as archive:
            lines = archive.read("REPRODUCE.md").decode().splitlines()
        assert len([line for line in lines if line.startswith("`````")]) == 2


def test_a_sample_and_its_pack(data_directory: Path) -> None:
    sample = samples.get("sample-bundled")
    file = report.write(sample, "pack", "ja")
    assert verify(file).proven and file.parent == data_directory / "sample-reports"
    with zipfile.ZipFile(file) as archive:
        found = json.loads((sample.folder / "comparison.json").read_text("utf-8"))["verdict"]
        assert json.loads(archive.read("verdict.json"))["verdict"] == found["verdict"]
        assert json.loads(archive.read("gates.json"))["gates"] == sample.config["gates"]
        assert json.loads(archive.read("hashes.json"))["data"]["now"] is None
        assert "再現手順" in archive.read("REPRODUCE.md").decode()
