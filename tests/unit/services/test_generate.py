"""The generation loop against transformers' own."""

from typing import Any

import pytest
import torch

from engine.configs import KeptLayers
from engine.errors import BadRunConfig
from engine.methods import Hybrid
from engine.services.convert import convert
from engine.services.generate import GenerationRecord, generate
from tests.support import frozen
from tests.support.models import tiny_model, tiny_tokenizer

PROMPT = "The pump at Osaka failed again. ポンプ"


def _model(converted: bool) -> Any:
    model = tiny_model("llama")
    # No token of a random model should end the text: it would end the test's comparison early.
    model.generation_config.eos_token_id = None
    if converted:
        convert(model, Hybrid(), KeptLayers(every=4), seed=0)
    return model


def _tokenizer():
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = None
    return tokenizer


@pytest.mark.parametrize("converted", [False, True])
def test_greedy_tokens_are_those_of_generate(converted):
    model, tokenizer = _model(converted), _tokenizer()
    generation = generate(model, tokenizer, PROMPT, max_new_tokens=24, context_tokens=512)
    pieces = list(generation)
    ids = torch.tensor([tokenizer(PROMPT)["input_ids"]])
    with torch.inference_mode():
        expected = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False
        )
    record = generation.record
    assert record.token_ids == expected[0, ids.shape[1] :].tolist()
    assert "".join(pieces) == record.text
    assert record.first_token_ms > 0 and record.tokens_per_s and record.cache_bytes > 0


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("converted", [False, True])
def test_the_text_is_the_same_with_a_graph(monkeypatch, converted, temperature):
    model, tokenizer = _model(converted), _tokenizer()

    def write() -> GenerationRecord:
        return generate(
            model, tokenizer, PROMPT, max_new_tokens=24, context_tokens=512,
            temperature=temperature,
        ).finish()  # fmt: skip

    one_by_one = write()
    frozen.graphs_without_a_gpu(monkeypatch)
    graphed = write()
    assert graphed.token_ids == one_by_one.token_ids
    assert (one_by_one.steps, graphed.steps) == ("one by one (no NVIDIA GPU)", "as one CUDA graph")


def test_sampling_repeats_for_a_seed():
    model, tokenizer = _model(True), _tokenizer()

    def write(seed: int) -> list[int]:
        generation = generate(
            model,
            tokenizer,
            PROMPT,
            max_new_tokens=12,
            context_tokens=512,
            seed=seed,
            temperature=1.0,
        )
        return generation.finish().token_ids

    assert write(1) == write(1) != write(2)


def test_a_long_prompt_loses_its_beginning():
    model, tokenizer = _model(False), _tokenizer()
    record = generate(model, tokenizer, "ab" * 50, max_new_tokens=10, context_tokens=60).finish()
    assert (record.prompt_tokens, record.prompt_tokens_dropped) == (50, 50)


def test_an_end_of_text_token_ends_the_text():
    model, tokenizer = _model(False), _tokenizer()
    first = generate(model, tokenizer, PROMPT, max_new_tokens=3, context_tokens=512).finish()
    model.generation_config.eos_token_id = first.token_ids[2]
    again = generate(model, tokenizer, PROMPT, max_new_tokens=9, context_tokens=512).finish()
    assert again.token_ids == first.token_ids[: first.token_ids.index(first.token_ids[2])]


@pytest.mark.parametrize(("prompt", "tokens"), [("", 10), ("hello", 512)])
def test_impossible_prompts_are_refused(prompt, tokens):
    with pytest.raises(BadRunConfig):
        generate(_model(False), _tokenizer(), prompt, max_new_tokens=tokens, context_tokens=512)


@pytest.mark.parametrize("converted", [False, True])
def test_every_token_says_what_it_adds(converted):
    model, tokenizer = _model(converted), _tokenizer()
    record = generate(model, tokenizer, PROMPT, max_new_tokens=30, context_tokens=512).finish()
    assert len(record.pieces) == len(record.token_ids)
    assert "".join(record.pieces) == record.text
