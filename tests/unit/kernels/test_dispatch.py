"""What runs where."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.kernels import dispatch
from engine.kernels.dispatch import (
    hybrid_backend,
    linear_backend,
    why_not_triton,
    why_not_triton_hybrid,
)

ROOT = Path(__file__).resolve().parents[3]
BF16, FP16, FP32, FP64 = torch.bfloat16, torch.float16, torch.float32, torch.float64


@pytest.fixture(autouse=True)
def triton_is_there(monkeypatch):
    monkeypatch.setattr(dispatch, "find_spec", lambda name: name)
    for decided in (dispatch._linear, dispatch._hybrid):
        decided.cache_clear()
    yield
    for decided in (dispatch._linear, dispatch._hybrid):
        decided.cache_clear()


@pytest.mark.parametrize("capability", [(8, 0), (8, 6), (8, 9), (9, 0), (12, 0)])
@pytest.mark.parametrize(("head_dim", "features"), [(32, 16), (64, 32), (80, 96), (128, 64)])
@pytest.mark.parametrize("dtype", [BF16, FP16])
@pytest.mark.parametrize("stage", ["training", "prefill", "decode"])
def test_triton_on_cards_with_tensor_cores(stage, dtype, head_dim, features, capability):
    assert why_not_triton(stage, capability, dtype, head_dim, features) is None


@pytest.mark.parametrize(
    ("stage", "capability", "dtype", "head_dim", "features", "reason"),
    [
        ("prefill", None, FP32, 64, 32, "no NVIDIA GPU"),
        ("prefill", (7, 5), FP16, 64, 32, "below 8.0"),
        ("training", (7, 5), FP16, 64, 32, "below 8.0"),
        ("decode", (7, 0), FP16, 64, 32, "below 7.5"),
        ("decode", (9, 0), FP64, 64, 32, "float32, float16 and bfloat16"),
        ("decode", (9, 0), BF16, 64, 512, "above 256"),
        ("training", (9, 0), FP32, 128, 64, "float32"),
        ("prefill", (9, 0), FP16, 256, 64, "float16"),
        ("prefill", (12, 0), BF16, 128, 256, "Blackwell"),
    ],
)
def test_pytorch_elsewhere_and_why(stage, capability, dtype, head_dim, features, reason):
    assert reason in why_not_triton(stage, capability, dtype, head_dim, features)


@pytest.mark.parametrize("dtype", [FP32, FP16])
def test_the_decode_step_also_on_a_t4(dtype):
    assert why_not_triton("decode", (7, 5), dtype, 256, 256) is None


@pytest.mark.parametrize("capability", [(8, 0), (8, 6), (8, 9), (9, 0), (12, 0)])
@pytest.mark.parametrize(("head_dim", "features"), [(32, 16), (64, 128), (80, 80), (128, 256)])
@pytest.mark.parametrize("stage", ["training", "prefill", "decode"])
def test_the_hybrid_on_cards_with_tensor_cores(stage, head_dim, features, capability):
    for dtype in (BF16, FP16):
        assert why_not_triton_hybrid(stage, capability, dtype, head_dim, features, 4) is None
    assert why_not_triton_hybrid(stage, capability, FP32, 64, features, 4) is None


@pytest.mark.parametrize(
    ("stage", "capability", "dtype", "head_dim", "sinks", "reason"),
    [
        ("prefill", None, FP32, 64, 4, "no NVIDIA GPU"),
        ("decode", (7, 5), FP16, 64, 4, "below 8.0"),
        ("decode", (9, 0), FP64, 64, 4, "float32, float16 and bfloat16"),
        ("decode", (9, 0), FP32, 128, 4, "float32"),
        ("training", (9, 0), BF16, 256, 4, "gradients"),
        ("training", (9, 0), BF16, 64, 64, "32 sinks"),
    ],
)
def test_the_hybrid_in_pytorch_elsewhere(stage, capability, dtype, head_dim, sinks, reason):
    assert reason in why_not_triton_hybrid(stage, capability, dtype, head_dim, 64, sinks)


def test_the_hybrid_answers_queries_of_wide_heads_without_gradients():
    for stage in ("prefill", "decode"):
        assert why_not_triton_hybrid(stage, (8, 0), BF16, 256, 64, 4) is None


def test_pytorch_where_triton_is_missing(monkeypatch):
    monkeypatch.setattr(dispatch, "find_spec", lambda name: None)
    assert "not installed" in why_not_triton("prefill", (9, 0), BF16, 64, 32)


def test_each_answer_is_logged_once(caplog):
    caplog.set_level(logging.INFO, "engine.kernels.dispatch")
    for _ in range(3):
        assert linear_backend("prefill", torch.device("cpu"), FP32, 64, 32) == "pytorch"
        assert linear_backend("decode", torch.device("cpu"), FP32, 64, 32) == "pytorch"
    assert [record.getMessage() for record in caplog.records] == [
        f"Linear attention, {stage}, float32, head dim 64, feature dim 32: pytorch (no NVIDIA GPU)"
        for stage in ("prefill", "decode")
    ]


def test_the_hybrids_answer_is_logged_too(caplog):
    caplog.set_level(logging.INFO, "engine.kernels.dispatch")
    assert hybrid_backend("decode", torch.device("cpu"), FP32, 64, 32, 4) == "pytorch"
    assert [record.getMessage() for record in caplog.records] == [
        "Hybrid attention, decode, float32, head dim 64, feature dim 32, 4 sinks: pytorch"
        " (no NVIDIA GPU)"
    ]


def test_the_package_works_without_triton():
    program = (
        "import sys; sys.modules['triton'] = None\n"
        "import torch, engine.services.pipeline, engine.services.generate\n"
        "from engine.core.geometry import HeadGeometry\n"
        "from engine.methods import T2R\n"
        "mixer = T2R().build(HeadGeometry(2, 1, 8))\n"
        "q, k = torch.randn(1, 2, 5, 8), torch.randn(1, 1, 5, 8)\n"
        "print(tuple(mixer(q, k, k).shape))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout.strip()) == (0, "(1, 2, 5, 8)"), done.stderr
