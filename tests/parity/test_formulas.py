"""Every method against its paper's equations, written out pair of tokens by pair in float64.

Nothing here calls the engine's own arithmetic: of a mixer only the weights are read. The paper's
constants stand here as numbers, so that a changed default shows.

Dimension letters: H query heads, G kv heads, T tokens, D head dim, F feature dim, V value dim.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.configs import KeptLayers
from engine.core.geometry import HeadGeometry
from engine.core.mixer import Mixer
from engine.methods import METHODS, T2R, Elu, Hedgehog, Hybrid, MethodConfig, Rfa
from engine.services.convert import convert
from tests.support.models import tiny_model

HEAD = HeadGeometry(heads=4, kv_heads=2, head_dim=8)
EPS = {"t2r": 1e-2, "elu": 1e-6, "rfa": 1e-2, "hedgehog": 1e-6}
MAPS = [T2R(), Elu(), Rfa(), Hedgehog()]
EVERY = [*MAPS, Hybrid(), *(Hybrid(window=5, sinks=2, far=far) for far in MAPS)]


def name_of(method: Any) -> str:
    if not isinstance(method, Hybrid):
        return method.name
    return f"hybrid-W{method.window}-K{method.sinks}-{method.far.name}"


def phi(name: str, mixer: Mixer, x: Tensor, side: str, head: int, kv_head: int) -> Tensor:
    """The feature map of one vector x [D]; a query comes divided by sqrt(D) already."""
    own = mixer.get_submodule("feature_map").state_dict()
    if name == "elu":  # Katharopoulos et al. 2020, eq. 7
        return torch.where(x > 0, x + 1, x.exp())
    if name == "t2r":  # Kasai et al. 2021, eq. 5; the same W, b for queries and keys
        y = own["weight"][kv_head] @ x + own["bias"][kv_head]
        return torch.where(y > 0, y, 0.0)
    if name == "rfa":  # Peng et al. 2021, eq. 3-5; w = sigma * u
        unit = x / math.sqrt(float(x @ x))
        w = own["directions"][kv_head] * own["sigma"][kv_head, 0]
        angles = w @ unit
        return torch.cat([angles.sin(), angles.cos()]) / math.sqrt(len(w))
    assert name == "hedgehog"  # Zhang et al. 2024, eq. 6; queries and keys apart
    which = head if side == "query" else kv_head
    y = own[f"{side}_weight"][which] @ x + own[f"{side}_bias"][which, 0]
    up, down = y.exp(), (-y).exp()
    return torch.cat([up / up.sum(), down / down.sum()])


def by_the_papers(
    method: Any, mixer: Mixer, q: Tensor, k: Tensor, v: Tensor
) -> tuple[Tensor, list[float]]:
    """Outputs [H, T, V] of unscaled q [H, T, D], k [G, T, D], v [G, T, V], and all denominators."""
    hybrid = isinstance(method, Hybrid)
    name = method.far.name if hybrid else method.name
    window, sinks = (method.window, method.sinks) if hybrid else (0, 0)
    heads, tokens, width = q.shape
    out = torch.zeros(heads, tokens, v.shape[2], dtype=torch.float64)
    denominators = []
    for h in range(heads):
        g = h * len(k) // heads  # neighbouring query heads share a kv head
        phi_q = [phi(name, mixer, x / math.sqrt(width), "query", h, g) for x in q[h]]
        phi_k = [phi(name, mixer, x, "key", h, g) for x in k[g]]
        for i in range(tokens):
            # LoLCATs eq. 6, and sinks: the first tokens and the last `window` by softmax.
            near = [j for j in range(i + 1) if j < sinks or i - j < window]
            logits = {j: float(q[h, i] @ k[g, j]) / math.sqrt(width) for j in near}
            top = max(logits.values(), default=0.0)
            numerator, denominator = torch.zeros(v.shape[2], dtype=torch.float64), 0.0
            for j in range(i + 1):
                if j in logits:
                    gamma = math.exp(mixer.get_parameter("log_gamma")[h].item())
                    weight = gamma * math.exp(logits[j] - top)
                else:
                    weight = float(phi_q[i] @ phi_k[j])
                numerator, denominator = numerator + weight * v[g, j], denominator + weight
            denominators.append(denominator)
            out[h, i] = numerator / max(denominator, EPS[name])
    return out, denominators


def shaken(mixer: Mixer, *, scale: float = 1.0, gamma: float = 0.0) -> Mixer:
    """The mixer in float64 with no weight left at a start that might hide a term (b = 0)."""
    mixer = mixer.double()
    for name, weight in mixer.named_parameters():
        weight.data.add_(0.3 * torch.randn_like(weight)).mul_(scale)
        if name == "log_gamma":
            weight.data.add_(gamma)
    return mixer


def qkv(tokens: int, scale: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    heads = (HEAD.heads, HEAD.kv_heads, HEAD.kv_heads)
    q, k, v = (torch.randn(n, tokens, HEAD.head_dim, dtype=torch.float64) for n in heads)
    return scale * q, scale * k, v


def by_the_mixer(mixer: Mixer, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return mixer(q[None] / math.sqrt(q.shape[2]), k[None], v[None])[0]


@pytest.mark.parametrize("method", EVERY, ids=name_of)
@torch.no_grad()
def test_a_mixer_computes_its_papers_equation(method: Any) -> None:
    torch.manual_seed(2)
    mixer, (q, k, v) = shaken(method.build(HEAD)), qkv(70)
    want, _ = by_the_papers(method, mixer, q, k, v)
    torch.testing.assert_close(by_the_mixer(mixer, q, k, v), want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("method", "weights", "inputs", "gamma"),
    [
        (T2R(), 0.1, 1.0, 0.0),
        (Elu(), 1.0, 1.0, 0.0),
        (Rfa(feature_dim=8), 3.0, 1.0, 0.0),
        (Hedgehog(), 1.0, 20.0, 0.0),
        (Hybrid(window=2, sinks=1, far=Rfa(feature_dim=8)), 3.0, 1.0, -3.0),
        (Hybrid(window=2, sinks=1, far=T2R()), 0.1, 1.0, -7.0),
    ],
    ids=lambda value: name_of(value) if isinstance(value, MethodConfig) else "",
)
@torch.no_grad()
def test_the_smallest_denominator_is_the_papers(
    method: Any, weights: float, inputs: float, gamma: float
) -> None:
    torch.manual_seed(3)
    mixer = shaken(method.build(HEAD), scale=weights, gamma=gamma)
    q, k, v = qkv(24, inputs)
    if method.name == "elu":
        k[:, :12] -= 18.0  # nothing else makes every feature of a key small
    want, denominators = by_the_papers(method, mixer, q, k, v)
    eps = EPS[method.far.name if isinstance(method, Hybrid) else method.name]
    assert min(denominators) < eps < max(denominators)  # the clamp acts, but not everywhere
    torch.testing.assert_close(by_the_mixer(mixer, q, k, v), want, rtol=1e-7, atol=1e-9)


def _turned(x: Tensor, base: float = 10_000.0) -> Tensor:
    """Rotary positions (Su et al. 2021, arXiv:2104.09864, eq. 15) on x [H, T, D], pairs half apart,
    as the Llama family has them."""
    half = x.shape[2] // 2
    out = torch.empty_like(x)
    for t in range(x.shape[1]):
        for i in range(half):
            angle = t * base ** (-2 * i / x.shape[2])
            a, b = x[:, t, i], x[:, t, i + half]
            out[:, t, i] = a * math.cos(angle) - b * math.sin(angle)
            out[:, t, i + half] = b * math.cos(angle) + a * math.sin(angle)
    return out


def _heads(x: Tensor, width: int) -> Tensor:
    """[1, T, H*D] as [H, T, D]."""
    return x[0].unflatten(-1, (-1, width)).transpose(0, 1)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("method", [*MAPS, Hybrid()], ids=name_of)
@torch.no_grad()
def test_a_converted_layer_computes_its_papers_equation(method: Any, family: str) -> None:
    """From the projections' outputs to the output projection's input: positions, 1/sqrt(D), heads.

    Llama groups its queries, GPT-2 does not.
    """
    torch.manual_seed(4)
    model: Any = tiny_model(family).double()
    convert(model, method, KeptLayers(), seed=0)
    layer = model.model.layers[1] if family == "llama" else model.transformer.h[1]
    attention = layer.self_attn if family == "llama" else layer.attn
    mixer = shaken(attention.mixer)
    names = ("q_proj", "k_proj", "v_proj", "o_proj") if family == "llama" else ("c_attn", "c_proj")
    seen: dict[str, Tensor] = {}
    for name in names:
        part = attention.get_submodule(name)
        # The start's small weights would make all keys alike, and every map nearly constant.
        part.weight.mul_(8)
        last = name == names[-1]
        part.register_forward_hook(
            lambda _, given, made, name=name, last=last: seen.update(
                {name: given[0] if last else made}
            )
        )
    model(input_ids=torch.randint(3, 250, (1, 48)), use_cache=False)
    if family == "llama":
        q, k, v = (_heads(seen[name], 16) for name in names[:3])
        q, k = _turned(q), _turned(k)
    else:
        q, k, v = (_heads(x, 16) for x in seen["c_attn"].split(64, dim=-1))
    want, _ = by_the_papers(method, mixer, q, k, v)
    # transformers takes the angles of rotary positions in float32.
    off = 1e-4 if family == "llama" else 1e-9
    torch.testing.assert_close(_heads(seen[names[-1]], 16), want, rtol=off, atol=off)


@torch.no_grad()
def test_hedgehog_starts_at_the_identity_on_unscaled_queries() -> None:
    own = Hedgehog().build(HEAD).get_submodule("feature_map").state_dict()
    for weight in (own["query_weight"] / math.sqrt(HEAD.head_dim), own["key_weight"]):
        assert (weight - torch.eye(HEAD.head_dim)).abs().max() < 0.15
    assert not own["query_bias"].any() and not own["key_bias"].any()


@torch.no_grad()
def test_rfa_draws_its_directions_once() -> None:
    mixer, (q, k, v) = Rfa().build(HEAD).double(), qkv(9)
    first = by_the_mixer(mixer, q, k, v)
    assert torch.equal(by_the_mixer(mixer, q, k, v), first)
    other = Rfa().build(HEAD).double()
    assert not torch.equal(by_the_mixer(other, q, k, v), first)
    other.load_state_dict(mixer.state_dict())  # so they are saved with the weights
    assert torch.equal(by_the_mixer(other, q, k, v), first)
    assert "feature_map.directions" not in dict(mixer.named_parameters())


DOCUMENTED = {
    "softmax": (None, None),
    "t2r": ("32", "1e-2"),
    "elu": ("head dim", "1e-6"),
    "rfa": ("32", "1e-2"),
    "hedgehog": ("2 × head dim", "1e-6"),
    "hybrid": ("window 32, sinks 4, far field `hedgehog`", "the far map's"),
}
WIDTHS = {"t2r": 32, "elu": 8, "rfa": 32, "hedgehog": 16, "hybrid": 16}
"""F by default at a head dim of 8."""


def test_the_defaults_are_the_documented_ones() -> None:
    text = (Path(__file__).parents[2] / "docs" / "methods.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", text, re.MULTILINE)
    told = {name: tuple(None if x == "–" else x for x in cells) for name, *cells in rows}
    assert told == DOCUMENTED and METHODS.keys() == DOCUMENTED.keys()
    for name, width in WIDTHS.items():
        state = METHODS[name]().build(HEAD).init_state(1, torch.device("cpu"))
        assert getattr(state, "far", state).S.shape == (1, 2, width, 8), name
    assert {name: METHODS[name]().model_dump()["eps"] for name in EPS} == EPS
    hybrid = Hybrid()
    assert (hybrid.window, hybrid.sinks, hybrid.far) == (32, 4, Hedgehog())
