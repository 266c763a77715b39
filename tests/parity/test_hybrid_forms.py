"""The hybrid's own: its parts left out, its smallest denominator, its reference."""

from __future__ import annotations

import pytest
import torch

from engine.core.hybrid_sinks import arrange
from engine.kernels.hybrid_attention import reference as hybrid_reference
from engine.methods import T2R, Elu, Hybrid, Rfa
from tests.support.mixers import (
    HYBRIDS,
    build,
    by_weights,
    double_state,
    names,
    qkv,
)


@pytest.mark.parametrize("parts", [{"near": True}, {"far": True}, {"near": True, "far": True}])
@pytest.mark.parametrize("method", HYBRIDS, ids=names)
@torch.no_grad()
def test_forms_agree_without_parts_and_nothing_stays_left_out(method, parts):
    mixer, (q, k, v) = build(method), qkv(100)
    whole, state = mixer(q, k, v), double_state(mixer)
    with mixer.without(**parts):
        truth = by_weights(mixer, q, k, v)
        torch.testing.assert_close(mixer(q, k, v), truth, rtol=1e-9, atol=1e-11)
        one_by_one = [
            mixer.step(*(x[:, :, t : t + 1] for x in (q, k, v)), state) for t in range(100)
        ]
        torch.testing.assert_close(torch.cat(one_by_one, 2), truth, rtol=1e-9, atol=1e-11)
    assert not torch.equal(truth, whole)
    assert torch.equal(mixer(q, k, v), whole)


@torch.no_grad()
def test_the_parts_weigh_the_tokens_of_their_places_alone():
    mixer = build(Hybrid(window=7, sinks=2, far=Elu()))
    q, k, _ = qkv(40)
    distance = torch.arange(40)[:, None] - torch.arange(40)[None, :]
    near = (distance < 7) | (torch.arange(40) < 2)
    with mixer.without(far=True):
        window = mixer.weights(q, k)
    with mixer.without(near=True):
        linear = mixer.weights(q, k)
    with mixer.without(near=True, far=True):
        assert not mixer.weights(q, k).any()
    assert not window[..., ~near].any() and not linear[..., near].any()
    torch.testing.assert_close(window.sum(-1), torch.ones(2, 4, 40, dtype=torch.float64))


@pytest.mark.parametrize("eps", [0.5, 20.0])
@torch.no_grad()
def test_the_far_fields_eps_bounds_the_hybrids_denominator(eps):
    """Features that can be negative, and an eps that some denominators fall below."""
    method = Hybrid.model_construct(
        window=4, sinks=1, far=Rfa.model_construct(feature_dim=6, eps=eps)
    )
    mixer, (q, k, v) = build(method), qkv(80)
    mixer.log_gamma.data.fill_(-3.0)
    truth = by_weights(mixer, q, k, v)
    assert (mixer.weights(q, k).sum(-1) < 0.999).any()
    torch.testing.assert_close(mixer(q, k, v), truth, rtol=1e-9, atol=1e-11)
    state = double_state(mixer)
    steps = [mixer.step(*(x[:, :, t : t + 1] for x in (q, k, v)), state) for t in range(80)]
    torch.testing.assert_close(torch.cat(steps, 2), truth, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("far", [Elu(), Rfa(), T2R()], ids=names)
@torch.no_grad()
def test_a_padded_query_of_the_hybrid_gives_zero(far):
    mixer, (q, k, v) = build(Hybrid(window=4, sinks=1, far=far)), qkv(20)
    valid = torch.arange(20).expand(2, -1) >= 9
    for out in (mixer(q, k, v, valid), by_weights(mixer, q, k, v, valid)):
        assert out[:, :, :9].abs().max() == 0 and out.isfinite().all()


@torch.no_grad()
def test_hybrid_reference_is_the_weights():
    """The kernel folder's own quadratic form equals the mixer's materialised weights."""
    mixer, (q, k, v) = build(Hybrid(window=5, sinks=3)), qkv(60)
    start = mixer._state(2, q.device, q.dtype)
    plain, sinks, _ = arrange(k, v, None, start, window=mixer.window)
    out = hybrid_reference.quadratic(
        q,
        k,
        v,
        mixer.feature_map.query(q),
        mixer.feature_map.key(k),
        plain,
        sinks,
        mixer.window,
        mixer.log_gamma.exp(),
        mixer.eps,
        double_state(mixer).far,
    )
    torch.testing.assert_close(out, by_weights(mixer, q, k, v))
