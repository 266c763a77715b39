"""Grids of needle tasks: what is judged, what is counted where, what is said to be missing."""

from engine.data.needles import NeedleProbe
from engine.evidence.needle_grid import needle_grid


def _probe(task, language, length, depth) -> NeedleProbe:
    return NeedleProbe(task, language, length, depth, [1], [2])


PROBES = [
    _probe("passkey", "en", 128, 0.0), _probe("passkey", "en", 128, 1.0),
    _probe("passkey", "en", 256, 0.0), _probe("passkey", "en", 256, 0.0),
    _probe("facts", "ja", 128, 0.5), _probe("facts", "ja", 128, 0.5), _probe("facts", "ja", 128, 1),
]  # fmt: skip


def test_a_task_is_judged_where_the_original_passes_its_shortest_length():
    passed = {
        "original": [True, False, False, False, True, False, False],
        "converted": [True, True, True, False, True, True, True],
    }
    grid = needle_grid(PROBES, passed, context_tokens=256, per_cell=2)
    passkey, facts = grid.tasks
    assert (passkey.judged, facts.judged) == (True, False)
    assert [(c.length_tokens, c.depth, c.n, c.original, c.converted, c.control)
            for c in passkey.cells] == [
        (128, 0.0, 1, 1, 1, None), (128, 1.0, 1, 0, 1, None), (256, 0.0, 2, 0, 1, None),
    ]  # fmt: skip
    assert "shortest length: passkey (en)." in grid.note
    assert "passkey (ja), multi_key (en)" in grid.note and grid.lengths == (128, 256)


def test_nothing_asked_is_said_so():
    grid = needle_grid([], {}, context_tokens=100, per_cell=2)
    assert grid.tasks == () == grid.lengths and "passes no task" in grid.note
