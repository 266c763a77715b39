"""Which files of a model's folder may be read, and how much memory it must fit into."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.configs import FinetuneSettings
from engine.errors import ModelNotFound, OutOfMemory, UnsafeModel
from engine.models.check import check_model
from engine.models.memory import run_bytes
from tests.support.refusals import model_refusal


@pytest.mark.parametrize("shard", ["../x.safetensors", "/etc/x.safetensors", "a\\x.safetensors"])
def test_index_that_points_outside_is_refused(folder: Path, shard: str) -> None:
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"lm_head.weight": shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    model_refusal(folder, UnsafeModel, "outside")


def test_index_with_missing_or_pickled_shards_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"lm_head.weight": "a.safetensors"}}))
    model_refusal(folder, ModelNotFound, "a.safetensors", "missing")
    index.write_text(json.dumps({"weight_map": {"lm_head.weight": "a.bin"}}))
    model_refusal(folder, UnsafeModel, "a.bin")
    index.write_text("{}")
    model_refusal(folder, UnsafeModel, "names no files")


def test_link_to_outside_is_refused(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "generation_config.json").symlink_to(secret)
    model_refusal(folder, UnsafeModel, "link")


def test_snapshot_of_the_hub_cache_may_link_to_its_blobs(folder: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--a--b" / "snapshots" / "0123"
    blobs = tmp_path / "models--a--b" / "blobs"
    snapshot.mkdir(parents=True)
    folder.rename(blobs)
    for file in blobs.iterdir():
        (snapshot / file.name).symlink_to(file)
    assert check_model(str(snapshot)).layers == 4


def test_too_little_memory_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.models.memory.available_memory_bytes", lambda: 2**20)
    model_refusal(folder, OutOfMemory, "GiB")


def test_loading_needs_less_than_a_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = check_model(str(folder), device="cpu")
    monkeypatch.setattr("engine.models.memory.available_memory_bytes", lambda: 12 * 10**5)
    assert 6 * 4 * report.parameters <= report.needed_bytes
    assert check_model(str(folder), device="cpu", finetune=None).needed_bytes < 12 * 10**5
    model_refusal(folder, OutOfMemory)


def test_a_run_on_a_gpu_must_fit_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [2**30]
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (free[0], 2**40))
    assert check_model(str(folder)).available_bytes == 2**30
    free[0] = 2**20
    model_refusal(folder, OutOfMemory, "GPU memory")


def test_the_formula_of_a_runs_memory() -> None:
    usual, million = FinetuneSettings(), 10**6
    assert run_bytes(100 * million, usual) == 100 * million * 26
    assert run_bytes(1000 * million, usual) == 1000 * million * 14
    assert run_bytes(million, FinetuneSettings(lora_rank=4)) == million * 14
    assert run_bytes(1000 * million, FinetuneSettings(lora_rank=0)) == 1000 * million * 26
    assert run_bytes(million, FinetuneSettings(steps=0)) == million * 14
