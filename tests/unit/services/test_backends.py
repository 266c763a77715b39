"""The run's record names who computed each stage of the converted model."""

from __future__ import annotations

from engine.configs import KeptLayers
from engine.core import hybrid_mixer
from engine.methods import Hybrid
from engine.services import backends as backends_module
from engine.services.backends import backends
from engine.services.convert import convert
from tests.support.models import tiny_model


def test_every_stage_of_a_hybrid_is_named(monkeypatch):
    original, converted = tiny_model("llama"), tiny_model("llama")
    convert(converted, Hybrid(window=4), KeptLayers(), seed=0)
    assert backends(original, converted).endswith(
        "converted: training PyTorch, chunked prefill PyTorch, recurrent decode PyTorch; "
        "decode steps, unless a note says otherwise: one by one (no NVIDIA GPU)"
    )

    def decode_by_kernels(stage, *_):
        return "triton" if stage == "decode" else "pytorch"

    monkeypatch.setattr(hybrid_mixer, "hybrid_backend", decode_by_kernels)
    assert backends(original, converted).endswith(
        "converted: training PyTorch, chunked prefill PyTorch, recurrent decode Triton kernels; "
        "decode steps, unless a note says otherwise: one by one (no NVIDIA GPU)"
    )


def test_the_steps_of_both_models_are_named_where_they_differ(monkeypatch):
    original, converted = tiny_model("llama"), tiny_model("llama")
    convert(converted, Hybrid(window=4), KeptLayers(), seed=0)
    monkeypatch.setattr(
        backends_module, "why_not_graph",
        lambda model: None if hasattr(model, "conversion") else "some reason",
    )  # fmt: skip
    assert backends(original, converted).endswith(
        "decode steps, unless a note says otherwise: original one by one (some reason),"
        " converted as one CUDA graph"
    )
