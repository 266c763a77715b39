"""The whole-model benchmark on a tiny model: bytes are right, and a wrong cache stops it."""

from __future__ import annotations

import pytest
import torch

from benchmarks import endtoend, whole_models
from benchmarks.whole_models import kv_bytes_per_token
from engine.core import decoding
from engine.core.decoding import InPlaceSteps
from tests.support import frozen
from tests.support.models import tiny_config

CPU = torch.device("cpu")


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(endtoend.MODELS, "tiny", lambda longest: tiny_config("llama"))
    return "tiny"


def test_a_model_is_measured(tiny):
    found = endtoend.measure_model(tiny, "t2r", [8, 48], 2**-13, CPU, features=4)
    model = endtoend.pair(tiny, "t2r", 48, CPU, 4)[0].config
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
    models = endtoend.pair(tiny, "t2r", 64, CPU, 4)
    endtoend.check_steps(models, CPU)

    def halfway(model, cache, tokens, *, room):
        return InPlaceSteps(model, cache, tokens // 2, room=room)

    monkeypatch.setattr(whole_models, "InPlaceSteps", halfway)
    with pytest.raises(ArithmeticError):
        endtoend.check_steps(models, CPU)


def test_original_and_converted_share_their_weights(tiny):
    original, converted = endtoend.pair(tiny, "t2r", 64, CPU, 4)
    shared = {p.data_ptr() for p in converted.parameters()}
    assert all(p.data_ptr() in shared for p in original.parameters())
    assert not hasattr(original, "conversion")


def test_the_hybrid_grows_with_its_kept_layers(tiny):
    found = endtoend.measure_model(tiny, "hybrid", [8, 96], 2**-13, CPU, features=4)
    models = endtoend.pair(tiny, "hybrid", 96, CPU, 4)
    short, long = (found["decode"][n]["state_bytes"] for n in (8, 96))
    assert long - short == 88 * kv_bytes_per_token(models[1])
    assert 0 < kv_bytes_per_token(models[1]) < kv_bytes_per_token(models[0])
    assert found["decode"][96]["batch_1"]["converted"]["tokens_per_s"] > 0


def test_what_does_not_fit_is_marked_and_the_rest_is_timed(tiny, monkeypatch):
    right = whole_models.eager_step

    def greedy(model, cache, tokens):
        if tokens > 8 and not hasattr(model, "conversion"):
            raise torch.OutOfMemoryError("too much")
        return right(model, cache, tokens)

    for kind in ("growing", "static"):
        monkeypatch.setitem(whole_models.MAKERS, kind, greedy)
    monkeypatch.setattr(endtoend, "check_steps", lambda models, device: None)
    found = endtoend.measure_model(tiny, "t2r", [8, 48], 2**-13, CPU, features=4)
    row = found["decode"][48]["batch_1"]
    assert row["original_dynamic"] == row["original_static"] == {"out_of_memory": True}
    assert row["converted"]["tokens_per_s"] > 0 and row["converted_over_original"] is None
    assert found["decode"][48]["each_at_its_best_batch"] is None
    assert found["converted_is_not_slower_from"]["decode_batch_1"] in (8, 48)


@torch.inference_mode()
def test_on_a_gpu_both_sides_replay_a_graph(tiny, monkeypatch):
    frozen.graphs_without_a_gpu(monkeypatch)
    models = endtoend.pair(tiny, "hybrid", 64, CPU, 4)
    on_a_gpu = {"converted": (1, "graph"), "original_static": (0, "graph")}
    monkeypatch.setattr(whole_models, "kinds", lambda device: on_a_gpu)
    endtoend.check_steps(models, CPU)
    step = endtoend.decode_step(models[0], "graph", 2, 40)
    for _ in range(whole_models.ROOM + 3):
        step()


@torch.inference_mode()
def test_a_step_that_cannot_be_captured_is_not_timed_as_one(tiny, monkeypatch):
    frozen.graphs_without_a_gpu(monkeypatch)

    def refuse(advance):
        raise RuntimeError("operation not permitted when stream is capturing\nMore.")

    monkeypatch.setattr(decoding, "captured", refuse)
    models = endtoend.pair(tiny, "t2r", 64, CPU, 4)
    said = endtoend.tried(lambda: endtoend.decode_step(models[1], "graph", 1, 40))
    assert said == {"not_captured": "CUDA would not capture a step: operation not permitted when "
                    "stream is capturing"}  # fmt: skip


@pytest.mark.parametrize("budget, found", [(0, 1), (10, 2), (23, 4), (1e9, 64)])
def test_largest_batch(budget, found):
    assert endtoend.largest(64, budget, 5) == found
