"""The settings of a pretraining run: its command line and the model's shape."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path

from transformers import LlamaConfig, PreTrainedTokenizerBase

from scripts.bundled_tokenizer import BOS, EOS, PAD


def read_options(description: str | None) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    work = Path(tempfile.gettempdir()) / "t2r-pretrain"
    add("--out", type=Path, required=True, help="folder of the model, in Hugging Face's format")
    add("--work", type=Path, default=work, help="folder of the checkpoint to resume from")
    add("--resume", action="store_true", help="go on from the checkpoint, if there is one")
    add("--minutes", type=float, default=75.0, help="time for training, in minutes")
    add("--context", type=int, default=2048, help="longest row, in tokens")
    add("--tokens-per-step", type=int, default=4096, help="tokens in one update")
    add("--rate", type=float, default=1.5e-3, help="learning rate before its decay")
    add("--decay-share", type=float, default=0.3, help="last share of the time: the rate falls")
    add("--answer-weight", type=float, default=4.0, help="weight of a known token in the loss")
    add("--first-weight", type=float, default=8.0, help="weight of an answer's first token")
    add("--length-weights", type=float, nargs="+", help="weights of 128, 256, ... tokens a row")
    add("--skill", type=float, default=0.9, help="accuracy on answers that ends the mixed stage")
    add("--stage-steps", type=int, default=1500, help="longest first and second stage, in steps")
    add("--probes", type=int, default=100, help="recall probes per distance and language")
    add("--report-seconds", type=float, default=15.0)
    add("--save-seconds", type=float, default=300.0)
    add("--device", default="cpu")
    add("--threads", type=int, default=2, help="CPU threads")
    add("--seed", type=int, default=1)
    return parser.parse_args()


def command_line() -> str:
    """The command that runs now, as the model card shows it."""
    words, arguments = iter(sys.argv[1:]), ["python", "-m", "scripts.pretrain"]
    for word in words:
        # The checkpoint's folder is this machine's own and changes nothing.
        if word == "--work":
            next(words)
        else:
            arguments.append(word)
    return shlex.join(arguments)


def model_config(tokenizer: PreTrainedTokenizerBase, context: int) -> LlamaConfig:
    """A stock Llama of about a million parameters.

    Only the fast half of the rotary frequencies tells positions apart; Llama 3's scaling slows the
    others so far down that they hardly turn within the context. A fact is found by the words of
    its key, and components that turn with distance cannot carry words over a long one: with plain
    RoPE, recall beyond 1,000 tokens was slow to come.
    """
    rope = {
        "rope_type": "llama3",
        "rope_theta": 50_000.0,
        "factor": 64.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 512,
    }
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=context,
        rope_parameters=rope,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.get_vocab()[BOS],
        eos_token_id=tokenizer.get_vocab()[EOS],
        pad_token_id=tokenizer.get_vocab()[PAD],
    )
