"""Look for what makes a data set unfit to judge a model by, and say it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import islice

from transformers import PreTrainedModel

from engine.data.batches import batches
from engine.data.dataset import Dataset
from engine.data.ingest import Corpus
from engine.data.leaks import LEAK_SHARE, Leak, find_leaks
from engine.data.personal import Kind, survey
from engine.data.probes import RecallProbe
from engine.evidence.data_parts import DataChecks, LeakedDocument
from engine.evidence.order import order_worth
from engine.evidence.recall import ask, languages_known, summary
from engine.evidence.stats import Interval
from engine.models.load import Loaded
from engine.services.finetune import validation_loss

MANY_COPIES = 0.1
"""Share of all documents that are copies, from which they are named."""

_FEWEST_DOCUMENTS = 4
_NEAREST_ASKED = 10
"""Questions in each language that tell whether the original does such tasks at all."""
_KINDS: dict[Kind, str] = {
    "e_mail": "e-mail addresses", "phone": "telephone numbers", "my_number": "possible My Numbers",
    "card": "possible card numbers", "postal_code": "postal codes",
}  # fmt: skip


def leaks_of(corpus: Corpus, dataset: Dataset) -> tuple[Leak, ...]:
    """Held-out documents that the training text holds too."""
    train = {piece.document for piece in dataset.train}
    return find_leaks(corpus.documents, train, {piece.document for piece in dataset.heldout})


def data_warnings(
    corpus: Corpus, dataset: Dataset, leaked: tuple[Leak, ...], order: Interval | None = None
) -> tuple[str, ...]:
    """What is wrong with the data, one sentence each."""
    found: list[str] = []
    heldout = len({piece.document for piece in dataset.heldout})
    if leaked:
        found.append(
            f"Leak: of {len(leaked):,} of {heldout:,} held-out documents"
            f" {100 * LEAK_SHARE:.0f} % or more also stands in the training text,"
            " so quality is overstated for every model"
            f" (worst: document {leaked[0].document:,} with {100 * leaked[0].share:.0f} %)."
        )
    copies = corpus.duplicates + dataset.near_duplicates
    total = len(corpus.documents) + corpus.duplicates
    if copies >= MANY_COPIES * total:
        found.append(
            f"Duplicates: {copies:,} of {total:,} documents were copies and were dropped; the data"
            " set is smaller than it looks."
        )
    if order is not None and order.n >= _FEWEST_DOCUMENTS and order.low <= 0:
        found.append(
            "Order: shuffling the lines or sentences of held-out text does not show to cost the"
            f" original anything ({order.estimate:.3f} nats per token, 95 % interval"
            f" {order.low:.3f} to {order.high:.3f}, {order.n:,} documents)."
            " The data may have been shuffled, or the original makes nothing of its order;"
            " then figures over long inputs say little."
        )
    return tuple(found)


def personal_warnings(corpus: Corpus) -> tuple[str, ...]:
    """That the text holds personal data which the converted model may learn, if any was found."""
    found = survey(corpus.documents)
    if not found.counts:
        return ()
    kinds = ", ".join(f"{n:,} {_KINDS[kind]}" for kind, n in found.counts.items())
    return (
        f"Personal data: {kinds} in {found.documents:,} of {len(corpus.documents):,} documents; the"
        " converted model may learn and repeat them. A run can replace them before it reads the"
        " text. Names and street addresses are not looked for.",
    )


def guessing_warnings(
    original: PreTrainedModel, dataset: Dataset, *, tokens_per_step: int
) -> tuple[str, ...]:
    """That the original cannot read this text, if so: known from one batch, before any training."""
    scored = batches(dataset.validation, tokens_per_step=tokens_per_step, accumulation=1, seed=0)
    loss = validation_loss(original, scored(0))
    vocabulary = original.config.get_text_config().vocab_size
    if loss < math.log(vocabulary):
        return ()
    return (
        f"The original does no better than guessing on this text ({loss:.2f} nats per token;"
        f" guessing among its {vocabulary:,} tokens gives {math.log(vocabulary):.2f}), so quality"
        " cannot be judged by it. Choose a model that was trained for such text, or other text.",
    )


def recall_warnings(
    original: PreTrainedModel, probes: Sequence[RecallProbe], note: str | None
) -> tuple[str, ...]:
    """That the original does not find the nearest facts itself, or could not be asked for any, if
    so: a few of the comparison's own questions tell.

    Args:
        original: asked.
        probes: the comparison's questions.
        note: why there are none.
    """
    nearest = min((probe.distance_tokens for probe in probes), default=0)
    few: list[RecallProbe] = []
    for language in sorted({probe.language for probe in probes}):
        mine = (one for one in probes if one.language == language)
        few += islice((one for one in mine if one.distance_tokens == nearest), _NEAREST_ASKED)
    if not few:
        return () if note is None else (note,)
    passed = ask(original, few)
    if languages_known(summary(few, passed)):
        return ()
    return (
        f"Recall: the original finds {sum(passed):,} of {len(few):,} facts that stand"
        f" {nearest:,} tokens before the question, so whether the converted model loses facts"
        " cannot be judged.",
    )


def doubts(
    corpus: Corpus,
    dataset: Dataset,
    original: Loaded,
    probes: Sequence[RecallProbe],
    note: str | None,
    *,
    tokens_per_step: int,
) -> tuple[str, ...]:
    """What can be known before any training of what a run with this text and model cannot show."""
    return (
        *data_warnings(corpus, dataset, leaks_of(corpus, dataset)),
        *guessing_warnings(original.model, dataset, tokens_per_step=tokens_per_step),
        *recall_warnings(original.model, probes, note),
    )


def check_data(
    corpus: Corpus,
    dataset: Dataset,
    original: Loaded,
    *,
    seed: int,
    tick: Callable[[], None] = lambda: None,
) -> DataChecks:
    """All checks; the order of the text is read off the original."""
    leaked = leaks_of(corpus, dataset)
    order = order_worth(original.model, original.tokenizer, dataset.heldout, seed=seed, tick=tick)
    return DataChecks(
        heldout_documents=len({piece.document for piece in dataset.heldout}),
        leaked=tuple(LeakedDocument(document=x.document, share=x.share) for x in leaked),
        copies=corpus.duplicates + dataset.near_duplicates,
        order_interval=order,
        warnings=data_warnings(corpus, dataset, leaked, order),
    )
