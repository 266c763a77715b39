"""The whole-model benchmark on a tiny model: bytes are right, and a wrong cache stops it."""

from __future__ import annotations

import pytest
import torch

from benchmarks import endtoend
from engine.core.state import MixerCacheLayer
from tests.support.models import tiny_config

CPU = torch.device("cpu")


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(endtoend.MODELS, "tiny", lambda longest: tiny_config("llama"))
    return "tiny"


def test_a_model_is_measured(tiny):
    found = endtoend.measure_model(tiny, [8, 48], 2**-13, CPU, features=4)
    model = endtoend.pair(tiny, 48, CPU, 4)[0].config
    kv_token = 2 * model.num_hidden_layers * model.num_key_value_heads * model.head_dim * 4
    state = model.num_hidden_layers * model.num_key_value_heads * 4 * (model.head_dim + 1) * 4
    for tokens, row in found["decode"].items():
        assert (row["kv_cache_bytes"], row["state_bytes"]) == (kv_token * tokens, state)
        assert set(row["batch_1"]) >= {"converted", "original_dynamic", "original_static"}
    assert found["converted_is_smaller_above_tokens"] == pytest.approx(state / kv_token, rel=1e-3)
    # 128 KiB: at 48 tokens fewer KV caches fit than states.
    batches = [int(n.split("_")[1]) for n in found["decode"][48] if n.startswith("batch")]
    assert max(batches) == endtoend.largest(64, 2**17, state)
    assert "original_static" not in found["decode"][48][f"batch_{max(batches)}"]


@torch.inference_mode()
def test_a_cache_at_the_wrong_position_is_not_timed(tiny, monkeypatch):
    models = endtoend.pair(tiny, 64, CPU, 4)
    endtoend.check_caches(models)
    monkeypatch.setattr(MixerCacheLayer, "get_seq_length", lambda self: self.tokens // 2)
    with pytest.raises(ArithmeticError):
        endtoend.check_caches(models)


def test_original_and_converted_share_their_weights(tiny):
    original, converted = endtoend.pair(tiny, 64, CPU, 4)
    shared = {p.data_ptr() for p in converted.parameters()}
    assert all(p.data_ptr() in shared for p in original.parameters())
    assert not hasattr(original, "conversion")


@pytest.mark.parametrize("budget, found", [(0, 1), (10, 2), (23, 4), (1e9, 64)])
def test_largest_batch(budget, found):
    assert endtoend.largest(64, budget, 5) == found
