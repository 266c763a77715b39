"""What is refused before a model's weights are touched, and what is reported of the others."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import transformers as hf

from engine.core.geometry import SUPPORTED
from engine.errors import (
    ModelNotFound,
    UnsafeModel,
    UnsupportedArchitecture,
)
from engine.models.check import check_model
from engine.models.source import find
from tests.support.models import (
    CONTEXT_TOKENS,
    FAMILIES,
    tiny_config,
    tiny_model,
    tiny_model_folder,
    tiny_tokenizer,
)
from tests.support.refusals import model_refusal


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
    error = model_refusal("no-such-model", ModelNotFound, "no-such-model")
    assert "bundled" in error.hint


@pytest.mark.parametrize("ref", ["", "  ", "/no/such/folder", "../nowhere", "a/b/c", "x--y/z"])
def test_what_is_no_name_is_not_found(ref: str) -> None:
    model_refusal(ref, ModelNotFound)


def test_hub_id_while_offline_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    started = time.monotonic()
    error = model_refusal(
        "nobody/no-such-model-here", ModelNotFound, "Hub cannot be reached", "cache"
    )
    assert time.monotonic() - started < 2
    assert "bundled" in error.hint


def test_a_hub_model_is_taken_at_the_commit_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    def model_info(self, ref, *, revision, files_metadata, timeout):
        asked.append(revision)
        lfs = SimpleNamespace(sha256="f" * 64)
        files = [SimpleNamespace(rfilename="model.safetensors", size=9, lfs=lfs),
                 SimpleNamespace(rfilename="config.json", size=2, lfs=None)]  # fmt: skip
        return SimpleNamespace(siblings=files, sha=revision or "newest", gated="manual")

    monkeypatch.setattr("engine.models.source.HfApi.model_info", model_info)
    newest = find("owner/name")
    assert newest.revision == "newest" and newest.gated
    pinned = find("owner/name", "older")
    assert asked == [None, "older"] and pinned.revision == "older"
    assert pinned.sha256 == {"model.safetensors": "f" * 64}


def test_file_instead_of_folder(folder: Path) -> None:
    model_refusal(folder / "config.json", ModelNotFound, "is a file")


def test_folder_without_config(folder: Path) -> None:
    (folder / "config.json").unlink()
    model_refusal(folder, ModelNotFound, "no config.json")


def test_folder_without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    model_refusal(folder, ModelNotFound, "no tokenizer")


def test_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    model_refusal(folder, UnsafeModel, "no weights at all")


def test_folder_with_pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    model_refusal(folder, UnsafeModel, "only as pickle", "pytorch_model.bin")


def test_folder_with_foreign_weights_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-q4.gguf")
    model_refusal(folder, UnsafeModel, "model-q4.gguf")


def test_remote_code_is_refused(folder: Path) -> None:
    edit(folder / "config.json", auto_map={"AutoModelForCausalLM": "modeling_own.OwnForCausalLM"})
    model_refusal(folder, UnsafeModel, "auto_map")


def test_leftover_code_of_a_known_class_is_ignored(folder: Path) -> None:
    names = {"AutoConfig": "own.LlamaConfig", "AutoModelForCausalLM": "own.LlamaForCausalLM"}
    edit(folder / "config.json", auto_map=names)
    (folder / "own.py").write_text("raise SystemExit('this code must never run')")
    assert check_model(str(folder)).architecture == "LlamaForCausalLM"


def test_tokenizer_with_remote_code_is_refused(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["own.Own", None]})
    model_refusal(folder, UnsafeModel, "tokenizer")


def test_attention_kernel_from_the_hub_is_refused(folder: Path) -> None:
    edit(folder / "config.json", attn_implementation="somebody/kernel")
    model_refusal(folder, UnsafeModel, "kernel")


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
    model_refusal(_save(config, tmp_path), UnsupportedArchitecture, "encoder")


def test_encoder_decoder_is_refused(tmp_path: Path) -> None:
    model_refusal(_save(hf.T5Config(), tmp_path), UnsupportedArchitecture, "encoder-decoder")


def test_base_model_without_output_head_is_refused(folder: Path) -> None:
    edit(folder / "config.json", architectures=["LlamaModel"])
    model_refusal(folder, UnsupportedArchitecture, "LlamaModel")


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
    model_refusal(_save(config, tmp_path), UnsupportedArchitecture)


def test_family_that_is_not_listed_is_refused_although_it_uses_the_seam(tmp_path: Path) -> None:
    """gpt-oss hands learned sinks to its attention function; a mixer would drop them."""
    error = model_refusal(_save(hf.GptOssConfig(), tmp_path), UnsupportedArchitecture, "gpt_oss")
    assert "Gemma 3" in error.hint and "GPT-NeoX" in error.hint


def test_the_list_is_what_is_tested() -> None:
    assert {tiny_config(family).model_type for family in FAMILIES} == set(SUPPORTED)


def test_unknown_model_type_is_refused(folder: Path) -> None:
    edit(folder / "config.json", model_type="brand-new")
    model_refusal(folder, UnsupportedArchitecture, "brand-new")


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
    model_refusal(folder, UnsupportedArchitecture)


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff", "[" * 10_000])
def test_damaged_config_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    model_refusal(folder, UnsafeModel, "config.json")


def test_quantised_and_adapter_and_converted_folders_are_refused(folder: Path) -> None:
    original = (folder / "config.json").read_text()
    edit(folder / "config.json", quantization_config={"quant_method": "gptq"})
    model_refusal(folder, UnsupportedArchitecture, "quantised")
    (folder / "config.json").write_text(original)
    (folder / "adapter_config.json").write_text("{}")
    model_refusal(folder, UnsupportedArchitecture, "adapter")
    (folder / "adapter_config.json").rename(folder / "conversion.json")
    error = model_refusal(folder, UnsupportedArchitecture, "already converted")
    assert "engine.load" in error.hint
