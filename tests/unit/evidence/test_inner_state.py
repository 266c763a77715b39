"""What the state does: norms are those of the sums themselves, and a feature that never fires is
counted."""

from __future__ import annotations

import pytest
import torch

from engine.core.geometry import HeadGeometry
from engine.core.hybrid_mixer import HybridMixer
from engine.core.linear_mixer import LinearMixer
from engine.evidence.inner_state import Watched, quarters, state_norms
from engine.methods import T2R, Hybrid

HEAD = HeadGeometry(heads=4, kv_heads=2, head_dim=8)
TOKENS = 50


def _inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(1, 4, TOKENS, 8, generator=generator)
    k, v = (torch.randn(1, 2, TOKENS, 8, generator=generator) for _ in range(2))
    return q, k, v


def _mixer(method: T2R | Hybrid) -> LinearMixer | HybridMixer:
    torch.manual_seed(0)
    mixer = method.build(HEAD)
    assert isinstance(mixer, LinearMixer | HybridMixer)
    return mixer.eval()


def test_a_state_is_looked_at_after_each_quarter() -> None:
    assert quarters(512) == (128, 256, 384, 512) and quarters(17)[-1] == 17


@torch.inference_mode()
def test_the_norms_are_those_of_the_sums_over_what_was_read() -> None:
    mixer, (q, k, v) = _mixer(T2R()), _inputs()
    phi = mixer.feature_map.key(k)
    wanted = [
        torch.einsum("bgtf,bgtv->bgfv", phi[:, :, :n], v[:, :, :n]).norm(dim=(-2, -1)).mean().item()
        for n in quarters(TOKENS)
    ]
    assert state_norms(mixer, q, k, v) == pytest.approx(wanted, rel=1e-4)


@torch.inference_mode()
def test_a_hybrids_far_field_holds_only_what_left_the_window() -> None:
    mixer, (q, k, v) = _mixer(Hybrid(window=32, sinks=2)), _inputs()
    norms = state_norms(mixer, q, k, v)
    assert norms[0] == norms[1] == 0.0 and 0 < norms[2] < norms[3]
    phi = mixer.feature_map.key(k)[:, :, 2 : TOKENS - 32]
    whole = torch.einsum("bgtf,bgtv->bgfv", phi, v[:, :, 2 : TOKENS - 32])
    assert norms[3] == pytest.approx(whole.norm(dim=(-2, -1)).mean().item(), rel=1e-4)


@torch.inference_mode()
def test_features_that_never_fire_are_counted_over_all_texts() -> None:
    mixer, (_, k, _) = _mixer(T2R(feature_dim=16)), _inputs()
    weight, bias = (mixer.feature_map.get_parameter(name) for name in ("weight", "bias"))
    bias[:, :4], weight[:, :4] = -1.0, 0.0  # four of sixteen can never fire
    bias[:, 4:] = 100.0
    seen = Watched()
    seen.add_keys(mixer, k)
    seen.add_keys(mixer, k + 1)
    assert seen.measured(3).dead_features == pytest.approx(4 / 16)
    bias[:, :2] = 100.0  # two of them wake up with a later text
    seen.add_keys(mixer, k)
    assert seen.measured(3).dead_features == pytest.approx(2 / 16)


def test_what_is_not_a_number_is_null() -> None:
    found = Watched(norms=(1.0, float("inf"), 2.0, 3.0)).measured(0)
    assert found.norms is None and found.dead_features is None
