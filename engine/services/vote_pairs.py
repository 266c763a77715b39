"""Write the pairs of answers for the blind vote, once per run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.configs import RunConfig
from engine.data.dataset import Piece
from engine.evidence.votes import shuffled
from engine.models.load import Loaded
from engine.services.answers import longest_prompt
from engine.services.generate import generate
from engine.services.jsonfile import write_json

PAIRS_FILE = "pairs.json"
_TAIL_CHARACTERS = 1200


def write_pairs(
    folder: Path,
    config: RunConfig,
    original: Loaded,
    converted: Loaded,
    pieces: Sequence[Piece],
    tick: Callable[[], None],
) -> None:
    """Let both models continue the beginnings of held-out documents, one pair per document.

    Nothing is done where the pairs are there already: votes belong to them.

    Args:
        folder: the run's.
        config: the run's settings; `comparison.vote_pairs` says how many documents.
        pieces: held-out pieces.
        tick: called after each answer; may raise to stop.
    """
    if (folder / PAIRS_FILE).exists():
        return
    context, room = original.context_tokens, config.comparison.answer_tokens
    beginnings = [piece for piece in pieces if piece.start_token == 0]
    answers = []
    for piece in beginnings[: config.comparison.vote_pairs]:
        ids = piece.ids[: max(1, len(piece.ids) // 2)].tolist()[: longest_prompt(context, room)]
        texts = []
        for side in (original, converted):
            found = generate(
                side.model, side.tokenizer, ids,
                max_new_tokens=min(room, context // 2), context_tokens=context,
            )  # fmt: skip
            texts.append(found.finish().text)
            tick()
        prompt = str(original.tokenizer.decode(ids, skip_special_tokens=True))
        answers.append((prompt[-_TAIL_CHARACTERS:], *texts))
    pairs = shuffled(answers, seed=config.seed).model_copy(
        update={"original_sha256": original.weights_sha256}
    )
    write_json(folder / PAIRS_FILE, pairs.model_dump(mode="json"))
