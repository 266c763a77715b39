"""The run's record names who computed each stage of the converted model: what ran, only that."""

from __future__ import annotations

import torch

from engine.configs import KeptLayers
from engine.core import decoding, hybrid_mixer
from engine.methods import Hybrid
from engine.services.backends import backends, ran
from engine.services.convert import convert
from tests.support.models import tiny_model

IDS = torch.arange(3, 9)[None]


def pair():
    original, converted = tiny_model("llama"), tiny_model("llama")
    convert(converted, Hybrid(window=4), KeptLayers(), seed=0)
    return original, converted


@torch.no_grad()
def decode(model, steps: int = 1) -> None:
    cache = model(IDS, use_cache=True).past_key_values
    take = decoding.decode_steps(model, cache, IDS.shape[1], room=steps)
    for _ in range(steps):
        take(IDS[:, :1])


def test_a_stage_that_has_not_run_is_not_named():
    original, converted = pair()
    assert backends(original, converted, training=None) == (
        "original: sdpa; converted: training not run, chunked prefill not run, "
        "recurrent decode not run; decode steps: not run"
    )
    converted(IDS).logits.sum().backward()
    assert (ran(converted, "training"), ran(converted, "prefill")) == ("PyTorch", None)


def test_what_ran_is_named_though_something_else_was_planned(monkeypatch):
    original, converted = pair()
    for model in (original, converted):
        decode(model)
    monkeypatch.setattr(hybrid_mixer, "hybrid_backend", lambda *_: "triton")
    assert backends(original, converted, training="Triton kernels").endswith(
        "converted: training Triton kernels, chunked prefill PyTorch, recurrent decode PyTorch; "
        "decode steps: one by one (no NVIDIA GPU)"
    )


def test_a_stage_done_by_both_names_both():
    _, converted = pair()
    mixers = converted.conversion.mixers()
    mixers[0].ran["decode"], mixers[1].ran["decode"] = {"triton"}, {"pytorch"}
    assert ran(converted, "decode") == "PyTorch and Triton kernels"


def test_a_graph_that_cuda_refused_is_not_claimed(monkeypatch):
    original, converted = pair()
    decode(original)

    def refused(advance):
        raise RuntimeError("operation not permitted")

    monkeypatch.setattr(decoding, "why_not_graph", lambda model: None)
    monkeypatch.setattr(decoding, "run_aside", lambda advance: advance())
    monkeypatch.setattr(decoding, "captured", refused)
    decode(converted, steps=2)
    assert backends(original, converted, training=None).endswith(
        "decode steps: original one by one (no NVIDIA GPU), converted one by one"
        " (CUDA would not capture a step: operation not permitted)"
    )
