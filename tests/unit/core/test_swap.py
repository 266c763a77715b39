"""What the swap hands to a mixer, and in which precision."""

from __future__ import annotations

import pytest
import torch

from engine.configs import KeptLayers
from engine.core.state import MixerCacheLayer
from engine.core.swap import mixer_attention, revert
from engine.errors import EngineError
from engine.methods import METHODS
from engine.services.convert import convert
from tests.support.models import tiny_model


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"softmax"}))
@pytest.mark.parametrize("cached", [False, True])
@torch.no_grad()
def test_autocast_leaves_the_mixer_in_float32(method: str, cached: bool) -> None:
    model = tiny_model("llama")
    mixer = convert(model, METHODS[method](), KeptLayers(), seed=0).mixers()[0]
    module = next(m for m in model.modules() if getattr(m, "mixer", None) is mixer)
    q, k, v = (torch.randn(2, heads, 100, 16) for heads in (4, 2, 2))

    def run() -> torch.Tensor:
        entry = MixerCacheLayer() if cached else None
        parts = (99, 1) if cached else (100,)
        pieces = zip(*(x.split(parts, dim=2) for x in (q, k, v)), strict=True)
        outs = [mixer_attention(module, *piece, None, mixer_cache=entry)[0] for piece in pieces]
        return torch.cat(outs, dim=1)

    want = run()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = run()
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, want, rtol=1e-6, atol=1e-6)


def test_converting_twice_and_reverting_what_is_not_converted_say_what_to_do() -> None:
    model = tiny_model("llama")
    with pytest.raises(EngineError, match="not converted") as error:
        revert(model)
    assert "engine.convert" in error.value.hint
    convert(model, METHODS["t2r"](), KeptLayers(), seed=0)
    with pytest.raises(EngineError, match="converted already") as error:
        convert(model, METHODS["elu"](), KeptLayers(), seed=0)
    assert "engine.revert" in error.value.hint
    revert(model)
