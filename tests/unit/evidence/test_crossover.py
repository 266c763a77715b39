"""Where a conversion starts to pay: from intervals, within the lengths measured, in a sentence."""

import pytest

from engine.evidence.crossover import crossovers
from engine.evidence.memory_parts import Memory, MemoryPoint
from engine.evidence.parts import Speed, SpeedPair, SpeedPoint


def _point(tokens: int, seconds: list[float]) -> SpeedPoint:
    return SpeedPoint(
        context_tokens=tokens, tokens_per_s=1 / seconds[0] if seconds else None, p10=None, p90=None,
        median_ms=None, repeats=len(seconds), seconds=tuple(seconds), threads=1,
        beyond_trained_context=False, out_of_memory=not seconds,
    )  # fmt: skip


def _decode(gains: dict[int, float | None], noise: float = 0.01):
    """Crossover of decode speed for original/converted time; None: the original does not fit."""
    shake = [1 + noise * k for k in (-1, 0.5, 1, -0.5)]
    mine = tuple(_point(n, [1.0 * s for s in shake]) for n in gains)
    theirs = tuple(
        _point(n, [] if gain is None else [gain * s for s in reversed(shake)])
        for n, gain in gains.items()
    )
    nothing = SpeedPair(original=(), converted=())
    speed = Speed(decode=SpeedPair(original=theirs, converted=mine), prefill=nothing, note=None)
    (found,) = crossovers(speed, Memory(original=(), converted=()))
    return found


def test_the_crossover_lies_where_the_line_says_equal():
    found = _decode({128: 0.25, 512: 0.5, 2048: 2.0, 8192: 4.0})
    assert (found.worse, found.better, found.unclear) == ((128, 512), (2048, 8192), ())
    # Ratios of one half and two: the middle between 512 and 2,048 in logarithms.
    assert found.tokens == 1000
    assert "under about 1,000 tokens (between 512 and 2,048)" in found.note
    assert "slower, above it faster" in found.note


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ({128: 2.0, 512: 3.0}, "faster at every length measured, 128 to 512 tokens"),
        ({128: 0.5, 512: 0.4}, "slower at every length measured, 128 to 512 tokens"),
        ({128: 2.0, 512: 0.5}, "slower at 512; faster at 128"),
        ({128: 1.0, 512: 2.0}, "faster at 512; no difference shown at 128"),
        ({128: 0.5, 512: 2.0, 1024: 1.0}, "slower at 128; faster at 512; no difference shown"),
    ],
)
def test_no_single_change_gives_no_number(gains, said):
    found = _decode(gains)
    assert said in found.note and found.tokens is None


def test_noise_decides_nothing():
    assert _decode({512: 1.1}, noise=0.5).unclear == (512,)


def test_a_model_that_does_not_fit_is_worse_and_gives_no_ratio():
    found = _decode({512: 0.5, 8192: None})
    assert found.better == (8192,) and found.worse == (512,) and found.tokens is None


def test_bytes_are_exact():
    def points(sizes):
        return tuple(
            MemoryPoint(context_tokens=n, cache_bytes=size, analytic_bytes=1, peak_bytes=None,
                        peak_source="") for n, size in sizes.items()
        )  # fmt: skip

    nothing = SpeedPair(original=(), converted=())
    memory = Memory(
        original=points({100: 100, 200: None, 400: 400}),
        converted=points({100: 200, 200: 200, 400: 200}),
    )
    (found,) = crossovers(Speed(decode=nothing, prefill=nothing, note=None), memory)
    assert (found.kind, found.worse, found.better, found.tokens) == ("cache", (100,), (400,), 200)
    assert "larger, above it smaller" in found.note
