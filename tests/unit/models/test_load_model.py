"""Loading: the very weights of the folder, in float32, or a plain error."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import UnsafeModel, UnsupportedArchitecture
from engine.models.load import load
from tests.support.models import CONTEXT_TOKENS, tiny_model, tiny_model_folder, tiny_tokenizer


def test_loads_the_saved_model(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path, "qwen3")
    loaded = load(str(folder))
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        assert torch.equal(loaded.model(ids).logits, tiny_model("qwen3")(ids).logits)
    assert loaded.model.dtype == torch.float32
    assert not loaded.model.training
    assert loaded.tokenizer.decode(loaded.tokenizer("temperature 21 °C").input_ids)
    assert (loaded.context_tokens, loaded.learned_positions) == (CONTEXT_TOKENS, False)
    weights = (folder / "model.safetensors").read_bytes()
    assert loaded.weights_sha256 == hashlib.sha256(weights).hexdigest()


def test_half_precision_weights_come_up_in_float32(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path, "llama")
    load(str(folder), dtype=torch.bfloat16).model.save_pretrained(folder)
    assert load(str(folder)).model.dtype == torch.float32
    assert load(str(folder), dtype=torch.bfloat16).model.dtype == torch.bfloat16


def test_loads_sharded_weights(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path, "llama")
    whole = load(str(folder))
    (folder / "model.safetensors").unlink()
    tiny_model("llama").save_pretrained(folder, max_shard_size="200KB")
    parts = load(str(folder))
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    assert parts.weights_sha256 != whole.weights_sha256
    for a, b in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_weights_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path, "llama")
    torch.save({"weight": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(UnsafeModel, match="cannot be read"):
        load(str(folder))


def test_missing_weights_are_refused_not_made_up(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path, "llama")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.self_attn.q_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UnsupportedArchitecture, match="q_proj"):
        load(str(folder))


def test_damaged_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path, "llama")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(UnsafeModel, match="tokenizer"):
        load(str(folder))


def test_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path, "llama")
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([f"<extra{number}>" for number in range(50)])
    tokenizer.save_pretrained(folder)
    with pytest.raises(UnsupportedArchitecture, match="ids up to"):
        load(str(folder))


def test_code_beside_the_weights_is_never_run(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path, "llama")
    for place in ("own.py", "custom_generate/generate.py", "sitecustomize.py"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text("raise SystemExit('this code must never run')")
    load(str(folder))
