"""Why a decode step is not one CUDA graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from inspect import signature
from typing import Any

import pytest
import torch

from engine.configs import KeptLayers
from engine.core import decoding
from engine.core.decoding import why_not_graph
from engine.methods import T2R, Softmax
from engine.services.convert import convert
from tests.support.models import tiny_model


def on_a_gpu(monkeypatch: pytest.MonkeyPatch, model: Any) -> Any:
    monkeypatch.setattr(type(model), "device", torch.device("cuda"))
    return model


def test_no_gpu():
    assert why_not_graph(tiny_model("llama")) == "no NVIDIA GPU"


@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox", "opt", "gemma3", "phi3"])
def test_a_model_without_softmax_has_its_graph(monkeypatch, family):
    model = tiny_model(family)
    convert(model, T2R(feature_dim=8), KeptLayers(), seed=0)
    assert why_not_graph(on_a_gpu(monkeypatch, model)) is None


@pytest.mark.parametrize("every", [0, 2])
@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen3"])
def test_originals_and_kept_layers_have_theirs(monkeypatch, family, every):
    model = tiny_model(family)
    if every:
        convert(model, T2R(feature_dim=8), KeptLayers(every=every), seed=0)
    assert why_not_graph(on_a_gpu(monkeypatch, model)) is None


@pytest.mark.parametrize("family", ["mistral", "gemma2", "gemma3"])
@pytest.mark.parametrize("converted", [False, True])
def test_a_native_window_is_in_the_way_while_softmax_has_it(monkeypatch, family, converted):
    model = tiny_model(family)
    if converted:
        convert(model, Softmax(), KeptLayers(), seed=0)
    assert "native sliding window" in str(why_not_graph(on_a_gpu(monkeypatch, model)))


def test_rope_that_depends_on_the_position_is_in_the_way(monkeypatch):
    model: Any = on_a_gpu(monkeypatch, tiny_model("llama"))
    model.config.rope_parameters = {**model.config.rope_parameters, "rope_type": "dynamic"}
    assert "dynamic" in str(why_not_graph(model))


def test_an_attention_that_takes_no_mask_of_ours_is_in_the_way(monkeypatch):
    model: Any = on_a_gpu(monkeypatch, tiny_model("llama"))
    model.config._attn_implementation = "flash_attention_2"
    assert "flash_attention_2" in str(why_not_graph(model))


class FakeCuda:
    """Torch's own names for graphs and streams, noting how they are used."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.noted = "main", list[str]()
        for name in ("current_stream", "set_stream", "graph"):
            monkeypatch.setattr(torch.cuda, name, getattr(self, name))
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: self)

    def current_stream(self) -> str:
        return self.now

    def set_stream(self, stream: str) -> None:
        self.now = stream

    @contextmanager
    def graph(self, graph: Any, *, capture_error_mode: str) -> Iterator[None]:
        # As torch's: where ending the capture fails, the stream is not set back.
        self.now = "capturing"
        try:
            yield
        except RuntimeError:
            raise RuntimeError("capture invalidated") from None
        self.now = "main"

    def replay(self) -> None:
        self.noted.append("replayed")


def test_a_capture_leaves_the_stream_as_it_was(monkeypatch):
    assert "capture_error_mode" in signature(torch.cuda.graph.__init__).parameters
    fake = FakeCuda(monkeypatch)
    decoding.captured(lambda: fake.noted.append(f"on {fake.now}"))()
    assert (fake.noted, fake.now) == (["on capturing", "replayed"], "main")

    def waits() -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError) as raised:
        decoding.captured(waits)
    assert fake.now == "main"
    assert "not permitted" in str(raised.value.__context__)


def test_what_is_to_be_captured_runs_aside_once(monkeypatch):
    order: list[str] = []

    class Stream:
        def __init__(self, name: str = "side") -> None:
            self.name = name

        def wait_stream(self, other: Any) -> None:
            order.append(f"{self.name} waits for {other.name}")

    monkeypatch.setattr(torch.cuda, "current_stream", lambda: Stream("main"))
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", nullcontext)
    decoding.run_aside(lambda: order.append("runs"))
    assert order == ["side waits for main", "runs", "main waits for side"]
