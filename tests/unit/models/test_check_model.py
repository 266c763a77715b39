"""What is refused before a model's weights are touched, and what is reported of the others."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import transformers as hf

from engine.configs import FinetuneSettings
from engine.core.geometry import SUPPORTED
from engine.errors import (
    EngineError,
    ModelNotFound,
    OutOfMemory,
    UnsafeModel,
    UnsupportedArchitecture,
)
from engine.models.check import check_model
from engine.models.memory import run_bytes
from engine.models.source import find
from tests.support.models import (
    CONTEXT_TOKENS,
    FAMILIES,
    tiny_config,
    tiny_model,
    tiny_model_folder,
    tiny_tokenizer,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_model_folder(tmp_path, "llama")


def refusal(ref: Path | str, error: type[EngineError], *words: str) -> EngineError:
    """The error `check_model` raises, which must have a hint and mention all the words."""
    with pytest.raises(error) as caught:
        check_model(str(ref))
    assert caught.value.hint
    for word in words:
        assert word in caught.value.message
    return caught.value


def edit(file: Path, **changes: Any) -> None:
    content = json.loads(file.read_text())
    content.update(changes)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("family", FAMILIES)
def test_supported_family_is_reported(tmp_path: Path, family: str) -> None:
    report = check_model(str(tiny_model_folder(tmp_path, family)))
    model = tiny_model(family)
    assert report.architecture == type(model).__name__
    assert report.parameters == model.num_parameters()
    assert report.layers == 4
    assert report.context_tokens == CONTEXT_TOKENS
    assert report.learned_positions == (family in {"gpt2", "opt"})
    assert report.weight_bytes > 4 * report.parameters * 0.9
    assert report.is_local


def test_unknown_name_lists_what_there_is() -> None:
    error = refusal("no-such-model", ModelNotFound, "no-such-model")
    assert "bundled" in error.hint


@pytest.mark.parametrize("ref", ["", "  ", "/no/such/folder", "../nowhere", "a/b/c", "x--y/z"])
def test_what_is_no_name_is_not_found(ref: str) -> None:
    refusal(ref, ModelNotFound)


def test_hub_id_while_offline_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    started = time.monotonic()
    error = refusal("nobody/no-such-model-here", ModelNotFound, "Hub cannot be reached", "cache")
    assert time.monotonic() - started < 2
    assert "bundled" in error.hint


def test_a_hub_model_is_taken_at_the_commit_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    def model_info(self, ref, *, revision, files_metadata, timeout):
        asked.append(revision)
        lfs = SimpleNamespace(sha256="f" * 64)
        files = [SimpleNamespace(rfilename="model.safetensors", size=9, lfs=lfs),
                 SimpleNamespace(rfilename="config.json", size=2, lfs=None)]  # fmt: skip
        return SimpleNamespace(siblings=files, sha=revision or "newest")

    monkeypatch.setattr("engine.models.source.HfApi.model_info", model_info)
    assert find("owner/name").revision == "newest"
    pinned = find("owner/name", "older")
    assert asked == [None, "older"] and pinned.revision == "older"
    assert pinned.sha256 == {"model.safetensors": "f" * 64}


def test_file_instead_of_folder(folder: Path) -> None:
    refusal(folder / "config.json", ModelNotFound, "is a file")


def test_folder_without_config(folder: Path) -> None:
    (folder / "config.json").unlink()
    refusal(folder, ModelNotFound, "no config.json")


def test_folder_without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    refusal(folder, ModelNotFound, "no tokenizer")


def test_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    refusal(folder, UnsafeModel, "no weights at all")


def test_folder_with_pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refusal(folder, UnsafeModel, "only as pickle", "pytorch_model.bin")


def test_folder_with_foreign_weights_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-q4.gguf")
    refusal(folder, UnsafeModel, "model-q4.gguf")


def test_remote_code_is_refused(folder: Path) -> None:
    edit(folder / "config.json", auto_map={"AutoModelForCausalLM": "modeling_own.OwnForCausalLM"})
    refusal(folder, UnsafeModel, "auto_map")


def test_leftover_code_of_a_known_class_is_ignored(folder: Path) -> None:
    names = {"AutoConfig": "own.LlamaConfig", "AutoModelForCausalLM": "own.LlamaForCausalLM"}
    edit(folder / "config.json", auto_map=names)
    (folder / "own.py").write_text("raise SystemExit('this code must never run')")
    assert check_model(str(folder)).architecture == "LlamaForCausalLM"


def test_tokenizer_with_remote_code_is_refused(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["own.Own", None]})
    refusal(folder, UnsafeModel, "tokenizer")


def test_attention_kernel_from_the_hub_is_refused(folder: Path) -> None:
    edit(folder / "config.json", attn_implementation="somebody/kernel")
    refusal(folder, UnsafeModel, "kernel")


def _save(config: hf.PreTrainedConfig, folder: Path) -> Path:
    """A folder that looks complete; no weights are read before the refusal."""
    config.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    (folder / "model.safetensors").write_bytes(b"")
    return folder


@pytest.mark.parametrize("architecture", ["BertForMaskedLM", "BertModel", None])
def test_encoder_is_refused(tmp_path: Path, architecture: str | None) -> None:
    config = hf.BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2)
    config.architectures = [architecture] if architecture else None
    refusal(_save(config, tmp_path), UnsupportedArchitecture, "encoder")


def test_encoder_decoder_is_refused(tmp_path: Path) -> None:
    refusal(_save(hf.T5Config(), tmp_path), UnsupportedArchitecture, "encoder-decoder")


def test_base_model_without_output_head_is_refused(folder: Path) -> None:
    edit(folder / "config.json", architectures=["LlamaModel"])
    refusal(folder, UnsupportedArchitecture, "LlamaModel")


@pytest.mark.parametrize(
    "config",
    [
        hf.FalconConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2),
        hf.FalconConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, alibi=True),
        hf.GPTJConfig(n_embd=32, n_layer=2, n_head=2, rotary_dim=8),
        hf.BloomConfig(hidden_size=32, n_layer=2, n_head=2),
        hf.MptConfig(d_model=32, n_layers=2, n_heads=2),
    ],
    ids=["falcon", "falcon-alibi", "gptj", "bloom", "mpt"],
)
def test_attention_outside_the_seam_is_refused(tmp_path: Path, config: hf.PreTrainedConfig) -> None:
    refusal(_save(config, tmp_path), UnsupportedArchitecture)


def test_family_that_is_not_listed_is_refused_although_it_uses_the_seam(tmp_path: Path) -> None:
    """gpt-oss hands learned sinks to its attention function; a mixer would drop them."""
    error = refusal(_save(hf.GptOssConfig(), tmp_path), UnsupportedArchitecture, "gpt_oss")
    assert "Gemma 3" in error.hint and "GPT-NeoX" in error.hint


def test_the_list_is_what_is_tested() -> None:
    assert {tiny_config(family).model_type for family in FAMILIES} == set(SUPPORTED)


def test_unknown_model_type_is_refused(folder: Path) -> None:
    edit(folder / "config.json", model_type="brand-new")
    refusal(folder, UnsupportedArchitecture, "brand-new")


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": "wide"},
        {"num_attention_heads": 0},
        {"num_hidden_layers": 10**9},
        {"num_hidden_layers": 0},
        {"hidden_act": "no-such-function"},
        {"rope_parameters": 7},
    ],
)
def test_senseless_config_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    folder = tiny_model_folder(tmp_path, "qwen2")
    edit(folder / "config.json", **changes)
    refusal(folder, UnsupportedArchitecture)


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff", "[" * 10_000])
def test_damaged_config_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    refusal(folder, UnsafeModel, "config.json")


def test_quantised_and_adapter_and_converted_folders_are_refused(folder: Path) -> None:
    original = (folder / "config.json").read_text()
    edit(folder / "config.json", quantization_config={"quant_method": "gptq"})
    refusal(folder, UnsupportedArchitecture, "quantised")
    (folder / "config.json").write_text(original)
    (folder / "adapter_config.json").write_text("{}")
    refusal(folder, UnsupportedArchitecture, "adapter")
    (folder / "adapter_config.json").rename(folder / "conversion.json")
    error = refusal(folder, UnsupportedArchitecture, "already converted")
    assert "engine.load" in error.hint


@pytest.mark.parametrize("shard", ["../x.safetensors", "/etc/x.safetensors", "a\\x.safetensors"])
def test_index_that_points_outside_is_refused(folder: Path, shard: str) -> None:
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"lm_head.weight": shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    refusal(folder, UnsafeModel, "outside")


def test_index_with_missing_or_pickled_shards_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"lm_head.weight": "a.safetensors"}}))
    refusal(folder, ModelNotFound, "a.safetensors", "missing")
    index.write_text(json.dumps({"weight_map": {"lm_head.weight": "a.bin"}}))
    refusal(folder, UnsafeModel, "a.bin")
    index.write_text("{}")
    refusal(folder, UnsafeModel, "names no files")


def test_link_to_outside_is_refused(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "generation_config.json").symlink_to(secret)
    refusal(folder, UnsafeModel, "link")


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
    refusal(folder, OutOfMemory, "GiB")


def test_loading_needs_less_than_a_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = check_model(str(folder), device="cpu")
    monkeypatch.setattr("engine.models.memory.available_memory_bytes", lambda: 12 * 10**5)
    assert 6 * 4 * report.parameters <= report.needed_bytes
    assert check_model(str(folder), device="cpu", finetune=None).needed_bytes < 12 * 10**5
    refusal(folder, OutOfMemory)


def test_a_run_on_a_gpu_must_fit_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [2**30]
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (free[0], 2**40))
    assert check_model(str(folder)).available_bytes == 2**30
    free[0] = 2**20
    refusal(folder, OutOfMemory, "GPU memory")


def test_the_formula_of_a_runs_memory() -> None:
    usual, million = FinetuneSettings(), 10**6
    assert run_bytes(100 * million, usual) == 100 * million * 26
    assert run_bytes(1000 * million, usual) == 1000 * million * 14
    assert run_bytes(million, FinetuneSettings(lora_rank=4)) == million * 14
    assert run_bytes(1000 * million, FinetuneSettings(lora_rank=0)) == 1000 * million * 26
    assert run_bytes(million, FinetuneSettings(steps=0)) == million * 14
