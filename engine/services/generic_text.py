"""Text besides the user's own, to see what the conversion made the model forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.data.dataset import Piece, build_dataset
from engine.data.ingest import DEFAULT_DATA, Corpus, read_corpus, resolve_data
from engine.evidence.quality import select_pieces
from engine.models.load import Loaded

MOST_TOKENS = 8_000
_KIND = (
    "Generated business records in English and Japanese that ship with this software. "
    "The model was not trained on them in this run."
)
_MOST_UNKNOWN = 0.05


@dataclass(frozen=True)
class GenericText:
    """What to score besides the user's text.

    Attributes:
        name: the bundled data set's.
        pieces: empty where there is none to score.
        note: what kind of text it is, or why there is none.
    """

    name: str
    pieces: Sequence[Piece]
    note: str


def generic_text(corpus: Corpus, original: Loaded, *, max_tokens: int) -> GenericText:
    """Pieces of the bundled data set, unless that is what the run was trained on.

    Args:
        corpus: the run's own data.
        original: whose tokenizer encodes.
        max_tokens: longest piece.
    """
    bundled = read_corpus(resolve_data(DEFAULT_DATA))
    if bundled.sha256 == corpus.sha256:
        return GenericText(
            DEFAULT_DATA, (),
            "Not measured: the run's own data is the only text that ships with this software.",
        )  # fmt: skip
    dataset = build_dataset(bundled, original.tokenizer, max_tokens=max_tokens, seed=0)
    counts = dataset.counts["heldout"]
    if counts.unknown_tokens > _MOST_UNKNOWN * counts.tokens:
        return GenericText(
            DEFAULT_DATA, (),
            f"Not measured: the model's tokenizer has no word for {counts.unknown_tokens:,} of"
            f" {counts.tokens:,} tokens of the text that ships with this software.",
        )  # fmt: skip
    return GenericText(DEFAULT_DATA, select_pieces(dataset.heldout, MOST_TOKENS), _KIND)
