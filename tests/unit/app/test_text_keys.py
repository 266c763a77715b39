"""Every key of the text files is used, and every key that the code can ask for is there.

A key may be put together from values (`t(f"state.{run.state}", lang)`). What those values can be
stands in `FILLED`, key by key: a wildcard would take any dead key for a used one.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable
from typing import get_args

import pytest

from app.by_context import VIEWS
from app.components import Party, Tone
from app.data_words import REFUSALS
from app.fidelity import MEASURES
from app.pages.data import COLUMNS
from app.pages.goal import DEFAULTS
from app.pages.trail import STEPS
from app.text import DEFAULT_LANG, names, texts
from app.tour import STOPS
from engine import errors
from engine.configs import RECIPES
from engine.data.needles import NEEDLE_TASKS
from engine.data.personal import KINDS
from engine.data.token_text import TokenClass
from engine.events import STAGES
from engine.evidence.control_parts import CONTROL_NAMES, Worth
from engine.evidence.frontier import Look
from engine.evidence.inner_parts import LinearBranch
from engine.evidence.subject import PHASES
from engine.evidence.task_parts import TaskMetricName, Tokens
from engine.evidence.verdict import GateName, OverallReason, Reason, Unit, Word
from engine.evidence.votes import Choice
from engine.evidence.votes import Reading as VoteReading
from engine.methods import METHODS
from engine.models.memory import Light as Fit
from engine.report import FORMATS
from engine.runs.records import RunState
from engine.services.sufficiency import Lack, Light
from tests.support import example_runs as examples
from tests.support.app_code import APP, TREES, asked, written

ERRORS = [
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.EngineError)
]
PARTIES, GATES = get_args(Party), get_args(GateName)
TONES = tuple(tone for tone in get_args(Tone) if tone != "open")
NUMBERS_SAY_IT = {"within", "beyond", "crosses"}
COUNTS = examples.comparison().dataset
# What the engine calls the parts of a comparison: while it measures them, and in their sum.
PARTS = (
    "loading", "recall", "recall questions", "needles", "data", "the data", "speed and memory",
    "answers", "quality", "held-out text", "other text", "continuations", "agreement", "ablation",
    "parts of the attention", "fidelity", "attention", "task", "mqar",
)  # fmt: skip

RISKS = (
    "few", "documents", "seed", "control", "no_recall", "recall", "beyond", "machine", "batch",
    "untested",
)  # fmt: skip
GOAL = DEFAULTS.keys()

LACKS, LIGHTS = get_args(Lack), get_args(Light)

FILLED: dict[str, Iterable[str | tuple[str, ...]]] = {
    "alike.class.*": get_args(TokenClass),
    "alike.task.*": NEEDLE_TASKS,
    "controls.column.*": (
        "control", "steps", "perplexity", "facts", "lost", "interval", "facts_lost",
    ),
    "controls.name.*": CONTROL_NAMES,
    "controls.reading.*.*": [
        *itertools.product(
            ("transfer", "pretraining", "rival"), set(get_args(Worth)) - {"unknown"}
        )
    ],
    "controls.stage.*": ("attention-transfer", "fine-tuning", "measuring"),
    "column_kind.*": names("column_kind", DEFAULT_LANG),
    "dataset.*": COUNTS.keys() - {"splits"} | COUNTS["splits"].keys(),
    "error.*": ERRORS,
    "error.help.*": ERRORS,
    "history.column.*": ("run", "created", "model", "data", "method", "recipe", "state"),
    "inside.linear.*": (*get_args(LinearBranch), "unknown"),
    "axis.room.*": ("peak", "kept"),
    "axis.room_bare.*": ("peak", "kept"),
    "axis.time.*": PHASES,
    "chart.*": PHASES,
    "chart.views.*": VIEWS,
    "reading.room.*": ("peak", "kept"),
    "reading.time.*": PHASES,
    "live.*": ("failed", "cancelled", "interrupted"),
    "live.*_loss": ("validation", "control", "transfer", "train", "teacher"),
    "live.memory.*": ("cpu", "cuda"),
    "live.look.*": ("past", "now", "stopped", "ahead"),
    "live.reading.*.*": [*itertools.product(("above", "below", "level"), ("now", "ended"))],
    "live.reading.transfer.*": ("now", "ended"),
    "method.*": METHODS.keys() - {"softmax"},
    "part.*": [part.replace(" ", "-") for part in PARTS],
    "party.*": PARTIES,
    "maps.*": ("first", "earlier", "within", "itself"),
    "estimate.column.*": ("recipe", "time", "memory", "money"),
    "estimate.part.*": ("checking", "training"),
    "instead.*": names("instead", DEFAULT_LANG),
    "said.*": names("said", DEFAULT_LANG),
    "shelf.column.*": ("model", "size", "context", "languages", "licence", "access", "runs"),
    "shelf.runs.*": get_args(Fit),
    "report.format.*": FORMATS,
    "reading.crossover.*": ("decode", "prefill", "cache"),
    "reading.memory.*": TONES,
    "reading.memory.peak.*": ("always", "at"),
    "reading.perplexity.*": TONES,
    "reading.perplexity.*_unhelped": ("control", "converted"),
    "reading.perplexity.control.*": TONES,
    "reading.position.*": ("worse", "level"),
    "reading.speed.*": (*TONES, *PHASES, "open"),
    "reading.speed.but_*": ("slower", "faster"),
    "recipe.*": RECIPES,
    "recipe.name.*": RECIPES,
    "stage.*": STAGES,
    "state.*": get_args(RunState),
    "table.*": ("measured", "computed", "peak", "needed"),
    "task.metric.*": get_args(TaskMetricName),
    "task.reading.*": ("worse", "better", "open"),
    "task.tokens.*": get_args(Tokens),
    "task.who.*": ("original", "control"),
    "tile.*.note": PHASES,
    "tile.*.title": PHASES,
    "tile.memory.*": TONES,
    "tile.perplexity.*.*": [*itertools.product(("original", "control"), TONES)],
    "tile.perplexity.*_unhelped": ("control", "converted"),
    "tile.recall.*": get_args(Tone),
    "tile.speed.*": get_args(Tone),
    "tour.text.*": [stop.name for stop in STOPS],
    "tour.title.*": [stop.name for stop in STOPS],
    "verdict.column.*": ("gate", "verdict", "why"),
    "verdict.gate.*": GATES,
    "verdict.limit.*": GATES,
    "verdict.measured.*": GATES,
    "verdict.more.*": get_args(Unit),
    "verdict.overall.*": get_args(OverallReason),
    "verdict.unit.*": get_args(Unit),
    "verdict.why.*": (
        {*get_args(Reason), "slower", "larger", "not_measured_at"} - {"worse_at"} - NUMBERS_SAY_IT
    ),
    "verdict.word.*": get_args(Word),
    "agreed.*": ("speed", "memory", "cost"),
    "contrast.*": ("verdict", "perplexity", "change", "agreement", "memory", "speed"),
    "axis.length_*": ("tokens", "characters"),
    "data.column.*": COLUMNS,
    "data.column_empty.*": COLUMNS,
    "data.column_info.*": COLUMNS,
    "data.column_none.*": COLUMNS,
    "data.lack.*": LACKS,
    "data.light.*": LIGHTS,
    "data.personal.column.*": ("kind", "count", "example"),
    "data.personal.kind.*": KINDS,
    "data.refusal.*": REFUSALS,
    "data.reading.*": ("tokens", "characters"),
    "error.hint.*": ("RunNotFound", "UnclearColumn"),
    "fidelity.measure.*": MEASURES,
    "fidelity.reading.*": ("entropy", "look_back", "sink_mass"),
    "fidelity.unit.*": MEASURES,
    "fidelity.worst.*": MEASURES,
    "frontier.*": ("others", "own"),
    "frontier.*.*": [*itertools.product(("speed", "memory"), get_args(Look))],
    "frontier.*.unknown": ("speed", "memory"),
    "frontier.axis.*": ("speed", "memory"),
    "frontier.column.*": ("run", "quality", "speed", "look", "memory", "machine"),
    "frontier.look.*": get_args(Look),
    "glossary.*": PHASES,
    "glossary.gate.*": GATES,
    "grid.*": ("lost", "kept"),
    "grid.language.*": ("en", "ja", "all"),
    "goal.against.*": ("control", "original"),
    "goal.field.*": GOAL,
    "goal.info.*": GOAL,
    "history.state.*": ("any", "at_work", "done", "stopped"),
    "kpi.*": GATES,
    "kpi.money_*": ("good", "bad", "same"),
    "risk.*.what": RISKS,
    "risk.*.why": RISKS,
    "risk.column.*": ("what", "why"),
    "risk.language.*": ("en", "ja"),
    "step.*": STEPS,
    "timing.*": PHASES,
    "timing.*_of": ("reading", "writing"),
    "vote.*": get_args(Choice),
    "vote.for.*": ("converted", "original", "tie", "both_bad"),
    "vote.reading.*": get_args(VoteReading),
    "watch.*": ("loading", "reading", "writing", "done"),
    "worth.column.*": ("low", "base", "high"),
}
"""The values that the code puts in for each `*`, in order."""



def _used(trees: Iterable[ast.AST]) -> set[str]:
    """Every key that the code can ask for."""
    keys: set[str] = set()
    for pattern, plural in asked(trees):
        for values in FILLED[pattern] if "*" in pattern else ((),):
            key = pattern
            for value in (values,) if isinstance(values, str) else values:
                key = key.replace("*", value, 1)
            keys |= {f"{key}.one", f"{key}.other"} if plural else {key}
    return keys


def test_the_values_of_every_key_with_a_gap_are_known() -> None:
    assert {pattern for pattern, _ in asked(TREES.values()) if "*" in pattern} == FILLED.keys()


def test_every_key_in_the_code_exists() -> None:
    assert sorted(_used(TREES.values()) - texts(DEFAULT_LANG).keys()) == []


def test_every_key_is_used() -> None:
    assert sorted(texts(DEFAULT_LANG).keys() - _used(TREES.values())) == []


def test_the_parts_are_those_that_the_engine_reports() -> None:
    reported: set[str] = set()
    for path in (APP.parent / "engine" / "services").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "part":
                    reported |= {written(arg, "*").split(", ")[0] for arg in node.args}
    assert reported == set(PARTS)


@pytest.mark.parametrize(
    ("code", "key", "used"),
    [
        ('t("live.title", lang)', "live.title", True),
        ('t(f"state.{run.state}", lang)', "state.done", True),
        ('t(f"state.{run.state}", lang)', "state.dead", False),
        ('t("live.a" if x else "live.b", lang)', "live.b", True),
        ('tn(f"verdict.more.{unit}", lang, n)', "verdict.more.repeats.one", True),
        ('tn(f"verdict.more.{unit}", lang, n)', "verdict.more.repeats", False),
    ],
)
def test_the_search_for_keys_finds_them_and_no_others(code: str, key: str, used: bool) -> None:
    assert (key in _used([ast.parse(code)])) is used
