"""Multi-query associative recall of every model, and up to which size it may be judged.

A query counts when the value is the likeliest token after its key. Earlier queries of the sequence
stand there with their true values, whatever the model would have said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from transformers import PreTrainedModel

from engine.data.mqar import MqarProbe
from engine.evidence.forward import logits_at, micro_batches
from engine.evidence.mqar_parts import Mqar, MqarSize
from engine.evidence.recall import PASS_ACCURACY
from engine.evidence.stats import Interval, paired_ratio
from engine.evidence.verdict import FEWEST


@torch.inference_mode()
def ask_mqar(
    model: PreTrainedModel,
    probes: Sequence[MqarProbe],
    *,
    tick: Callable[[], None] = lambda: None,
) -> list[int]:
    """Queries that the model answers, of each probe. `tick` is called often and may raise."""
    right = [0] * len(probes)
    vocabulary = model.config.get_text_config().vocab_size
    for size in sorted({probe.pairs for probe in probes}):
        mine = [i for i, probe in enumerate(probes) if probe.pairs == size]
        # Sequences of one size are alike in length and in where their queries stand.
        for batch in micro_batches([len(probes[i].input_ids) for i in mine], vocabulary):
            here = [mine[i] for i in batch]
            ids = torch.tensor([probes[i].input_ids for i in here], device=model.device)
            at = torch.tensor(probes[here[0]].queries, device=model.device)
            answered = logits_at(model, ids, at).argmax(-1) == ids[:, at + 1]
            for i, count in zip(here, answered.sum(1).tolist(), strict=True):
                right[i] = count
            tick()
    return right


def mqar_report(probes: Sequence[MqarProbe], right: Mapping[str, Sequence[int]]) -> Mqar:
    """What was answered by size.

    Args:
        probes: what was asked.
        right: for "original", "converted" and perhaps "control", what `ask_mqar` gave.
    """
    sizes = tuple(_size(probes, right, n) for n in sorted({probe.pairs for probe in probes}))
    judged = [f"{size.pairs:,}" for size in sizes if size.judged]
    found = (
        f"Judged, since the original answers at least {100 * PASS_ACCURACY:.0f} % of the queries:"
        f" {', '.join(judged)} pairs."
        if judged
        else "Not judged: the original answers less than half of the queries at every size, as"
        " models do that were not trained to copy random tokens."
    )
    what = "Random tokens of the model's vocabulary in pairs, then queries; nothing was trained."
    return Mqar(sizes=sizes, note=f"{what} {found}")


def _size(probes: Sequence[MqarProbe], right: Mapping[str, Sequence[int]], pairs: int) -> MqarSize:
    mine = [i for i, probe in enumerate(probes) if probe.pairs == pairs]
    queries = [len(probes[i].queries) for i in mine]
    counts = {name: [which[i] for i in mine] for name, which in right.items()}
    judged = sum(counts["original"]) >= PASS_ACCURACY * sum(queries)
    control = counts.get("control")
    return MqarSize(
        pairs=pairs,
        sequences=len(mine),
        queries=sum(queries),
        original=sum(counts["original"]),
        control=sum(control) if control is not None else None,
        converted=sum(counts["converted"]),
        judged=judged,
        change=_change(counts, queries) if judged else None,
    )


def _change(counts: Mapping[str, Sequence[int]], queries: Sequence[int]) -> Interval | None:
    differences = [
        mine - theirs for mine, theirs in zip(counts["converted"], counts["original"], strict=True)
    ]
    if len(differences) < FEWEST["documents"] or len(set(differences)) == 1:
        return None
    return paired_ratio(differences, queries).mapped(lambda rate: 100 * rate)
