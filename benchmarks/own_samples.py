"""Text that a model wrote itself, as a data set: nobody needs the text it was trained on.

    python -m benchmarks.own_samples MODEL OUT.jsonl [--samples 1024 --tokens 256 --seed 0]

Sampled at temperature 1 from the model's own distribution, so the model's perplexity on it is as
low as it can be, and whatever a conversion adds is its own.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, cast

import torch

import engine

ROWS = 128
"""Samples made at a time."""


def main() -> None:
    """Write the samples, one JSON object with the key "text" per line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="bundled name or folder")
    parser.add_argument("out", type=Path, help="the .jsonl file to write")
    parser.add_argument("--samples", type=int, default=1024)
    parser.add_argument("--tokens", type=int, default=256, help="longest sample, in tokens")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    loaded = engine.load(options.model)
    first = loaded.tokenizer.bos_token_id
    if first is None:
        parser.error("the model's tokenizer has no first token (BOS) to start from")
    torch.manual_seed(options.seed)
    texts: list[str] = []
    while len(texts) < options.samples:
        rows = min(ROWS, options.samples - len(texts))
        start = torch.full((rows, 1), first)
        ids = cast(Any, loaded.model).generate(
            input_ids=start, attention_mask=torch.ones_like(start), do_sample=True,
            temperature=1.0, top_k=0, max_new_tokens=options.tokens - 1,
        )  # fmt: skip
        texts += loaded.tokenizer.batch_decode(ids, skip_special_tokens=True)
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(texts)} samples of up to {options.tokens} tokens are in {options.out}")


if __name__ == "__main__":
    main()
