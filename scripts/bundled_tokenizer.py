"""Trains the bundled model's tokenizer: a small BPE in which codes can be copied sign by sign."""

from __future__ import annotations

import json
from itertools import islice

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from engine.data.documents import TRAINING_SEEDS, business_documents

PAD, BOS, EOS = "<pad>", "<s>", "</s>"
VOCABULARY_SIZE = 1_536
_DOCUMENTS = 400

# One piece per word, digit, lone capital (each with the space before it), or run of one Japanese
# script. Runs keep a name in one
# token wherever it stands, so that a question and its fact match token by token.
_PIECES = Regex(r" ?[A-Z]?[a-z]+:?| ?[A-Z]| ?[0-9]|[一-龯々]+(?:では)?|[ァ-ヴー]+|[ぁ-ん]+|.|\n")
_KANA = [chr(c) for c in (*range(0x3041, 0x3094), *range(0x30A1, 0x30F5), 0x30FC)]
_ASCII = [chr(c) for c in range(0x20, 0x7F)] + ["\n"]


def train_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer that writes any text: what is not in its alphabet falls back to bytes."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(_PIECES, "isolated")
    byte_tokens = [f"<0x{value:02X}>" for value in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=[PAD, BOS, EOS, *byte_tokens],
        initial_alphabet=_ASCII + _KANA,
        show_progress=False,
    )
    documents = islice(business_documents(TRAINING_SEEDS.start), _DOCUMENTS)
    tokenizer.train_from_iterator((document.text for document in documents), trainer)
    # Byte tokens were special only to get their places in the vocabulary. Left so, a text holding
    # the letters "<0x41>" would come back as "A".
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [t for t in state["added_tokens"] if t["content"] not in byte_tokens]
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A",
        pair=f"{BOS} $A {BOS} $B",
        special_tokens=[(BOS, tokenizer.token_to_id(BOS))],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        clean_up_tokenization_spaces=False,
        model_max_length=2048,
    )
