"""A tokenizer that has no word for a writing drops it: the model is to blame, not the text."""

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from engine.data.dataset import build_dataset
from engine.errors import BadDataset
from tests.unit.data.test_dataset import corpus


def test_a_writing_that_the_tokenizer_drops_is_no_lack_of_text() -> None:
    words = Tokenizer(WordLevel({"[UNK]": 0, "pump": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    foreign = corpus([f"{n} " + "設備点検" * 500 for n in range(8)])
    fast = PreTrainedTokenizerFast(tokenizer_object=words)
    with pytest.raises(BadDataset) as caught:
        build_dataset(foreign, fast, max_tokens=100, seed=0)
    assert "cannot read" in caught.value.message and "model" in caught.value.hint
