"""The swap behind transformers' seam, on a tiny random model of every supported family."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM, DynamicCache, FalconConfig, GptOssConfig

from engine.configs import KeptLayers
from engine.core.geometry import attention_layers
from engine.core.state import MixerCacheLayer, cache_bytes
from engine.core.swap import revert
from engine.errors import IncompatibleCache, UnsupportedArchitecture
from engine.methods import METHODS, T2R, Hybrid, Softmax
from engine.services.convert import convert
from tests.support.models import FAMILIES, VOCABULARY, tiny_model

NONE_KEPT = KeptLayers(every=0)
CONVERTED = {
    "t2r": (T2R(feature_dim=8), NONE_KEPT),
    "hybrid-keeping": (Hybrid(window=16, sinks=2), KeptLayers(every=4)),
}


def ids(tokens: int, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(3, VOCABULARY, (batch, tokens), generator=generator)


def positions(mask: torch.Tensor) -> torch.Tensor:
    return (mask.cumsum(1) - 1).clamp_min(0)


@pytest.fixture(params=FAMILIES)
def model(request):
    return tiny_model(request.param).eval()


@pytest.fixture(params=CONVERTED)
def converted(request, model):
    method, kept = CONVERTED[request.param]
    convert(model, method, kept, seed=0)
    return model


@torch.no_grad()
def test_null_conversion_changes_nothing_and_revert_is_exact(model):
    tokens = ids(100)
    keys, config = list(model.state_dict()), model.config.to_dict()
    before = model(tokens, use_cache=False).logits
    convert(model, Softmax(), NONE_KEPT, seed=0)
    assert (model(tokens, use_cache=False).logits - before).abs().max() == 0.0
    mask = torch.ones_like(tokens)
    mask[0, :30] = 0
    inputs = {"attention_mask": mask, "max_new_tokens": 8, "do_sample": False, "pad_token_id": 0}
    null_text = model.generate(tokens, **inputs)
    revert(model)
    assert torch.equal(model.generate(tokens, **inputs), null_text)
    convert(model, T2R(), NONE_KEPT, seed=0)
    assert (model(tokens, use_cache=False).logits - before).abs().max() > 0
    revert(model)
    assert (model(tokens, use_cache=False).logits - before).abs().max() == 0.0
    assert list(model.state_dict()) == keys and model.config.to_dict() == config
    modules = list(model.modules())
    assert not any(m._forward_pre_hooks for m in modules)


@torch.no_grad()
def test_prefill_and_decode_equal_the_full_forward(converted):
    tokens = ids(100)
    full = converted(tokens, use_cache=False).logits
    first = converted(tokens[:, :70], use_cache=True)
    cache, logits = first.past_key_values, [first.logits]
    for t in range(70, 100):
        step = converted(tokens[:, t : t + 1], past_key_values=cache, use_cache=True)
        logits.append(step.logits)
    torch.testing.assert_close(torch.cat(logits, 1), full, rtol=0, atol=2e-6)


@torch.no_grad()
def test_prompt_in_pieces_equals_the_full_forward(converted):
    tokens = ids(100)
    full = converted(tokens, use_cache=False).logits
    cache, logits = DynamicCache(), []
    for piece in tokens.split([40, 1, 35, 24], dim=1):
        logits.append(converted(piece, past_key_values=cache, use_cache=True).logits)
    torch.testing.assert_close(torch.cat(logits, 1), full, rtol=0, atol=2e-6)


@torch.no_grad()
def test_left_padding_changes_nothing(converted):
    """Padding moves the borders of chunks, so sums are rounded elsewhere: the difference may be
    twice what float32 costs without padding (in a T2R Gemma more than 2e-6)."""
    tokens, pads = ids(50, batch=1), 23
    padded = torch.cat([torch.zeros(1, pads, dtype=torch.long), tokens], 1)
    mask = (torch.arange(50 + pads) >= pads).long()[None]
    batch = torch.cat([padded, ids(73, 1)]), torch.cat([mask, torch.ones_like(mask)])
    out = converted(
        batch[0], attention_mask=batch[1], position_ids=positions(batch[1]), use_cache=False
    ).logits
    alone = converted(tokens, use_cache=False).logits
    rounding = (converted.double()(tokens, use_cache=False).logits - alone).abs().max().item()
    torch.testing.assert_close(out[:1, pads:], alone, rtol=0, atol=max(2e-6, 2 * rounding))


@pytest.mark.parametrize(
    "how",
    [
        {"do_sample": False},
        {"do_sample": True, "top_k": 20},
        {"do_sample": False, "num_beams": 3},
        {"do_sample": False, "num_beams": 2, "num_return_sequences": 2},
    ],
    ids=["greedy", "sampling", "beam", "beam-return-2"],
)
@torch.no_grad()
def test_generate_with_cache_equals_without(converted, how):
    tokens = ids(40)
    mask = torch.ones_like(tokens)
    mask[0, :11] = 0
    texts = []
    for use_cache in (True, False):
        torch.manual_seed(0)
        texts.append(
            converted.generate(
                tokens,
                attention_mask=mask,
                max_new_tokens=12,
                use_cache=use_cache,
                pad_token_id=0,
                eos_token_id=None,
                **how,
            )
        )
    assert torch.equal(*texts)


def test_gradient_checkpointing_gives_the_same_gradients(converted):
    tokens = ids(40)
    mixer = next(iter(converted.conversion.mixers().values()))
    for module in converted.modules():  # dropout would draw anew in the recomputation
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0
    converted.train()

    def gradients():
        converted.zero_grad()
        converted(tokens, labels=tokens).loss.backward()
        return [p.grad.clone() for p in mixer.parameters()]

    plain = gradients()
    converted.gradient_checkpointing_enable({"use_reentrant": False})
    for got, want in zip(gradients(), plain, strict=True):
        torch.testing.assert_close(got, want)
        assert want.abs().max() > 0


@torch.no_grad()
def test_state_is_constant_and_kept_layers_grow():
    sizes = {}
    for name, (method, kept) in CONVERTED.items():
        model = tiny_model("llama").eval()
        convert(model, method, kept, seed=0)
        for tokens in (64, 512):
            sizes[name, tokens] = cache_bytes(model(ids(tokens), use_cache=True).past_key_values)
    assert sizes["t2r", 64] == sizes["t2r", 512]
    growth = sizes["hybrid-keeping", 512] - sizes["hybrid-keeping", 64]
    head_dim, kv_heads, batch = 16, 2, 2
    assert growth == 2 * (512 - 64) * head_dim * kv_heads * batch * 4


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@torch.no_grad()
def test_every_method_converts_steps_and_reverts(method):
    """The method matrix: a new method is covered by being listed."""
    model, tokens = tiny_model("llama").eval(), ids(60)
    before = model(tokens, use_cache=False).logits
    config = method.model_validate_json(method().model_dump_json())
    convert(model, config, NONE_KEPT, seed=3)
    full = model(tokens, use_cache=False).logits
    cache = model(tokens[:, :40], use_cache=True).past_key_values
    for t in range(40, 60):
        step = model(tokens[:, t : t + 1], past_key_values=cache, use_cache=True).logits
    torch.testing.assert_close(step[:, 0], full[:, -1], rtol=0, atol=2e-6)
    revert(model)
    assert torch.equal(model(tokens, use_cache=False).logits, before)


def test_seed_decides_the_mixers():
    def weights(seed: int):
        model = tiny_model("llama")
        convert(model, T2R(), NONE_KEPT, seed=seed)
        return model.conversion.mixers()[0].feature_map.weight

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("family", ["Falcon", "GptOss"])
def test_a_family_that_is_not_listed_is_refused_before_anything_changes(family):
    """Falcon has no seam; gpt-oss has it, and hands it sinks that a mixer knows nothing of."""
    config = {
        "Falcon": lambda: FalconConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2),
        "GptOss": lambda: GptOssConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
            head_dim=16, intermediate_size=32, num_local_experts=2, num_experts_per_tok=1,
            vocab_size=64,
        ),
    }[family]()  # fmt: skip
    model = AutoModelForCausalLM.from_config(config)
    keys = list(model.state_dict())
    with pytest.raises(UnsupportedArchitecture) as error:
        convert(model, T2R(), NONE_KEPT, seed=0)
    assert family in error.value.message and "Gemma 2" in error.value.hint
    assert not hasattr(model, "conversion")
    assert list(model.state_dict()) == keys


@torch.no_grad()
def test_a_filled_foreign_cache_is_refused():
    model = tiny_model("llama").eval()
    filled = model(ids(10), use_cache=True).past_key_values
    convert(model, T2R(), NONE_KEPT, seed=0)
    with pytest.raises(IncompatibleCache):
        model(ids(1), past_key_values=filled)
    with pytest.raises(IncompatibleCache):
        model.generate(ids(10), max_new_tokens=2, cache_implementation="static")
    with pytest.raises(IncompatibleCache):
        MixerCacheLayer().crop(-1)


def test_geometry_reads_grouped_heads():
    heads = [layer.head for layer in attention_layers(tiny_model("llama"))]
    assert {(h.heads, h.kv_heads, h.head_dim) for h in heads} == {(4, 2, 16)}
