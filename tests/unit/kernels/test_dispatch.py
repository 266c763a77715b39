"""What runs where."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.kernels import dispatch
from engine.kernels.dispatch import linear_backend, why_not_triton

ROOT = Path(__file__).resolve().parents[3]
BF16, FP16, FP32, FP64 = torch.bfloat16, torch.float16, torch.float32, torch.float64


@pytest.fixture(autouse=True)
def triton_is_there(monkeypatch):
    monkeypatch.setattr(dispatch, "find_spec", lambda name: name)
    dispatch._decide.cache_clear()
    yield
    dispatch._decide.cache_clear()


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
