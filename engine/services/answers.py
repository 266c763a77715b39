"""Two answers to one long prompt, and what wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedModel

from engine.core.mixer import Mixer
from engine.core.swap import conversion_of
from engine.evidence.continuation import same_prefix
from engine.evidence.results import Answer, Answers, ConversionFacts
from engine.models.load import Loaded
from engine.services.generate import GenerationRecord, generate

_TAIL_CHARACTERS = 1200
_PROMPT_SHARE = 0.75
"""A prompt taken from held-out text fills this much of the trained context."""


@dataclass(frozen=True)
class Prompt:
    """What both models continue."""

    content: str | Sequence[int]
    """Text, or token ids where the exact cut matters."""
    expected: str | None = None
    """The true answer, where there is one."""
    own: bool = False
    """The user gave it; it does not come from the data."""


def longest_prompt(context_tokens: int, answer_tokens: int) -> int:
    """Most tokens of a prompt that leaves the answer its room, of which it gets half at most."""
    return context_tokens - min(answer_tokens, context_tokens // 2)


def document_prompt(piece_ids: Sequence[int], context_tokens: int, answer_tokens: int) -> Prompt:
    """The beginning of a held-out document as a prompt that leaves the answer its room."""
    most = min(int(_PROMPT_SHARE * context_tokens), longest_prompt(context_tokens, answer_tokens))
    return Prompt(list(piece_ids[:most]))


def answers(
    original: Loaded, converted: Loaded, prompt: Prompt, *, tokens: int, method: str
) -> Answers:
    """Let both models continue the prompt greedily by at most `tokens` tokens.

    The trained context is a limit for both; a longer prompt loses its beginning.
    """
    context = original.context_tokens
    tokens = context - longest_prompt(context, tokens)
    records = [
        generate(
            side.model,
            side.tokenizer,
            prompt.content,
            max_new_tokens=tokens,
            context_tokens=context,
        ).finish()
        for side in (original, converted)
    ]
    text = prompt.content
    if not isinstance(text, str):
        text = str(original.tokenizer.decode(list(text), skip_special_tokens=True))
    return Answers(
        prompt_tail=text[-_TAIL_CHARACTERS:],
        prompt_tokens=records[0].prompt_tokens,
        prompt_tokens_dropped=records[0].prompt_tokens_dropped,
        expected=prompt.expected,
        own_prompt=prompt.own,
        original=_answer(original, records[0], None),
        converted=_answer(converted, records[1], method),
        same_prefix_tokens=same_prefix(records[0].token_ids, records[1].token_ids),
    )


def conversion_facts(converted: PreTrainedModel, method: str) -> ConversionFacts:
    """Which layers were swapped, and what that added."""
    mixers = _mixers(converted)
    layers = converted.config.get_text_config(decoder=True).num_hidden_layers
    return ConversionFacts(
        method=method,
        layers_converted=tuple(mixers),
        layers_kept=tuple(index for index in range(layers) if index not in mixers),
        parameters_added=sum(p.numel() for m in mixers.values() for p in m.parameters()),
    )


def attention_in_use(model: PreTrainedModel, method: str | None) -> str:
    """In words, the attention of each layer, from the loaded modules; `method` is None for an
    original."""
    layers = model.config.get_text_config(decoder=True).num_hidden_layers
    converted = len(_mixers(model)) if method else 0
    parts = [f"{method} in {_layers(converted)}"] if converted else []
    if layers > converted:
        parts.append(f"softmax in {_layers(layers - converted)}")
    return ", ".join(parts)


def _mixers(converted: PreTrainedModel) -> dict[int, Mixer]:
    return conversion_of(converted).mixers()


def _layers(count: int) -> str:
    return f"{count} layer" if count == 1 else f"{count} layers"


def _answer(side: Loaded, record: GenerationRecord, method: str | None) -> Answer:
    return Answer(
        text=record.text,
        pieces=tuple(record.pieces),
        tokens=len(record.token_ids),
        first_token_ms=record.first_token_ms,
        tokens_per_s=record.tokens_per_s,
        cache_bytes=record.cache_bytes,
        weights_sha256=side.weights_sha256,
        attention=attention_in_use(side.model, method),
    )
