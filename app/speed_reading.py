"""What the two speed charts say, in sentences. A difference is told where the repeats show one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app import by_context, lengths, room_reading
from app.by_context import Phase, View
from app.components import Tone
from app.numbers import count, number, times
from app.readings import crossover, listed
from app.text import sentences, t, tn
from engine.evidence.parts import SpeedPair, SpeedPoint
from engine.evidence.results import Comparison
from engine.evidence.savings import WANTED_REPEATS, Side, few_repeats, speed_ratio, speed_side

_LOOKS: dict[Side, Tone] = {"faster": "good", "slower": "bad", "same": "same", "open": "open"}


@dataclass(frozen=True)
class _At:
    """Both models at one length.

    Attributes:
        ratio: converted / original.
        look: see `look`.
    """

    mine: SpeedPoint
    theirs: SpeedPoint
    ratio: float
    look: Tone


def _measured(pair: SpeedPair) -> list[_At]:
    found = []
    for mine, theirs in zip(pair.converted, pair.original, strict=False):
        ratio = speed_ratio(mine, theirs)
        if ratio is None:
            continue
        found.append(_At(mine, theirs, ratio, look(mine, theirs)))
    return found


def look(mine: SpeedPoint, theirs: SpeedPoint) -> Tone:
    """What the measurement shows at one length where both models ran."""
    side = speed_side(mine, theirs)
    return _LOOKS[side] if side else "same"


def speed(pair: SpeedPair, kind: str, lang: str) -> str:
    """Speed at the longest length, and where else it is otherwise; kind: "decode" or "prefill"."""
    found = _measured(pair)
    if not found:
        return t("reading.speed.unknown", lang)
    last = found[-1]
    sentence = t(
        f"reading.speed.{last.look}", lang, kind=t(f"reading.speed.{kind}", lang),
        length=count(last.mine.context_tokens),
        ratio=times(last.ratio if last.ratio >= 1 else 1 / last.ratio, lang=lang),
        converted=number(last.mine.tokens_per_s), original=number(last.theirs.tokens_per_s),
    )  # fmt: skip
    if len(found) > 1 and all(at.look == "bad" for at in found):
        return sentences(lang, [sentence, t("reading.speed.always_slower", lang)])
    sides: tuple[Tone, ...] = ("bad",) if last.look == "good" else ("bad", "good")
    others = [_there(found[:-1], side, lang) for side in sides]
    return sentences(lang, [sentence, *others])


def _there(found: Sequence[_At], side: Tone, lang: str) -> str:
    """At which of the lengths the converted model is slower ("bad") or faster ("good")."""
    there = [at for at in found if at.look == side]
    if not there:
        return ""
    most = max(at.ratio if side == "good" else 1 / at.ratio for at in there)
    key = "slower" if side == "bad" else "faster"
    return tn(
        f"reading.speed.but_{key}", lang, len(there),
        lengths=listed([count(at.mine.context_tokens) for at in there], lang),
        ratio=times(most, lang=lang),
    )  # fmt: skip


def repeats(pair: SpeedPair, lang: str) -> str:
    """Lengths that were timed less often than an interval deserves; empty where there are none."""
    few = ", ".join(f"{count(tokens)} ({count(timed)})" for tokens, timed in few_repeats(pair))
    return few and t("reading.speed.few", lang, lengths=few, wanted=count(WANTED_REPEATS))


def waiting(pair: SpeedPair, phase: Phase, lang: str) -> str:
    """Time at the longest length that both models can hold."""
    found = _measured(pair)
    if not found:
        return t("reading.speed.unknown", lang)
    last = found[-1]
    took = {
        party: lengths.waiting(by_context.milliseconds(point, point.tokens_per_s, phase) or 0.0)
        for party, point in (("converted", last.mine), ("original", last.theirs))
    }
    said = t(f"reading.time.{phase}", lang, length=count(last.mine.context_tokens), **took)
    return sentences(lang, [said, t("reading.time.open", lang) if last.look == "open" else ""])


def timing(comparison: Comparison, phase: Phase, view: View, lang: str) -> str:
    """All on one speed chart, shown as `view`."""
    pair = by_context.pair_of(comparison, phase)
    first = speed(pair, phase, lang) if view == "speed" else waiting(pair, phase, lang)
    return sentences(lang, [
        first, crossover(comparison, phase, lang), room_reading.ran_out(comparison, lang),
        repeats(pair, lang),
    ])  # fmt: skip
