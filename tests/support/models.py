"""Tiny random models of every supported family, and folders of them that load from disk.

Sizes: vocabulary 264 (256 bytes, 3 special tokens, a few spare rows), 4 layers (so that Gemma's
sliding and full layers both occur), width 64, 4 heads over 2 KV heads where the family groups
them, context 512 tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

CONTEXT_TOKENS = 512
SPECIAL_TOKENS = ("<pad>", "<bos>", "<eos>")
# Room to spare: some families' tokenizer classes add a special token of their own on loading.
VOCABULARY = 264
_IDS: dict[str, Any] = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}

_LLAMA_LIKE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT_TOKENS,
    **_IDS,
}
_PLAIN_HEADS = {k: v for k, v in _LLAMA_LIKE.items() if k != "num_key_value_heads"}
_GPT2: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "n_embd": 64,
    "n_layer": 4,
    "n_head": 4,
    "n_positions": CONTEXT_TOKENS,
    **_IDS,
}
_OPT: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "word_embed_proj_dim": 64,
    "ffn_dim": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "max_position_embeddings": CONTEXT_TOKENS,
    **_IDS,
}
# A window far shorter than the test inputs, so that a lost sliding window shows.
_GEMMA: dict[str, Any] = {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 64}
_GEMMA_LAYERS = ["sliding_attention", "full_attention"] * 2

_CONFIGS: dict[str, Callable[[], PreTrainedConfig]] = {
    "llama": lambda: hf.LlamaConfig(**_LLAMA_LIKE),
    "mistral": lambda: hf.MistralConfig(**_LLAMA_LIKE, sliding_window=64),
    "qwen2": lambda: hf.Qwen2Config(**_LLAMA_LIKE),
    "qwen3": lambda: hf.Qwen3Config(**_LLAMA_LIKE, head_dim=16),
    "gemma2": lambda: hf.Gemma2Config(**_LLAMA_LIKE, **_GEMMA),
    "gemma3": lambda: hf.Gemma3TextConfig(**_LLAMA_LIKE, **_GEMMA, layer_types=_GEMMA_LAYERS),
    "phi3": lambda: hf.Phi3Config(**_LLAMA_LIKE, original_max_position_embeddings=CONTEXT_TOKENS),
    "olmo2": lambda: hf.Olmo2Config(**_LLAMA_LIKE),
    "smollm3": lambda: hf.SmolLM3Config(**_LLAMA_LIKE),
    "granite": lambda: hf.GraniteConfig(**_LLAMA_LIKE),
    "gpt2": lambda: hf.GPT2Config(**_GPT2),
    "gpt_neox": lambda: hf.GPTNeoXConfig(**_PLAIN_HEADS),
    "opt": lambda: hf.OPTConfig(**_OPT),
}
FAMILIES = tuple(_CONFIGS)


def tiny_config(family: str) -> PreTrainedConfig:
    """The configuration of the tiny model of this family."""
    return _CONFIGS[family]()


def tiny_model(family: str, *, seed: int = 0) -> PreTrainedModel:
    """A random model of this family in float32 and eval mode; the same seed gives the same weights.

    The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        model = hf.AutoModelForCausalLM.from_config(tiny_config(family), dtype=torch.float32)
    return model.eval()


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer: one token per UTF-8 byte, so every text encodes and decodes."""
    vocabulary = {token: index for index, token in enumerate(SPECIAL_TOKENS)}
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary |= {letter: index for index, letter in enumerate(alphabet, start=len(vocabulary))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        model_max_length=CONTEXT_TOKENS,
    )


def tiny_model_folder(folder: Path, family: str, *, seed: int = 0) -> Path:
    """Save the tiny model with its tokenizer under `folder` and return where it lies."""
    target = folder / f"tiny-{family}"
    tiny_model(family, seed=seed).save_pretrained(target)
    tiny_tokenizer().save_pretrained(target)
    return target
