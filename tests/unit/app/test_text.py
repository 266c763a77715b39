"""The text files: alike in every language, complete, and the only place with sentences."""

import ast
import builtins
import re
import string

import pytest

from app.text import DEFAULT_LANG, FOLDER, names, t, texts, tn
from engine import errors
from engine.configs import RECIPES
from engine.events import STAGES
from engine.methods import METHODS
from engine.runs.records import WORKING
from tests.support.app_code import TREES, written


@pytest.mark.parametrize("lang", [path.stem for path in FOLDER.glob("*.json")])
def test_languages_have_the_same_keys_and_placeholders(lang: str) -> None:
    def shape(of: str) -> dict[str, set[str]]:
        return {
            key: {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for key, text in texts(of).items()
        }

    assert shape(lang) == shape(DEFAULT_LANG)
    assert all(text.strip() == text or key.endswith("join") for key, text in texts(lang).items())


@pytest.mark.parametrize("lang", [path.stem for path in FOLDER.glob("*.json")])
def test_no_page_sends_its_visitor_to_the_command_line(lang: str) -> None:
    """Below "said" stand the engine's own sentences, below "launch" those of the command line."""
    command = re.compile(r"`|--\w|python -m|compare RUN|\b(?:comparison|gates|recipe)\.[a-z_*]+")
    typed = {key for key, text in texts(lang).items() if command.search(text)}
    assert {key for key in typed if not key.startswith(("said.", "launch."))} == set()


def test_every_error_has_a_title() -> None:
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.EngineError):
            assert t(f"error.{name}", DEFAULT_LANG)


def test_every_choice_and_state_has_its_words() -> None:
    keys = texts(DEFAULT_LANG)
    for key in (
        *(f"method.{name}" for name in METHODS if name != "softmax"),
        *(f"recipe.{name}" for name in RECIPES),
        *(f"stage.{stage}" for stage in STAGES),
        *(f"state.{state}" for state in (*WORKING, "done", "failed", "cancelled", "interrupted")),
        *(f"live.{state}" for state in ("failed", "cancelled", "interrupted")),
    ):
        assert key in keys


NOT_SENTENCES = re.compile(
    r"Noto Sans|IBM Plex|Hiragino Sans|Yu Gothic"  # fonts
    r"|new URL\(window\.location\)|Object\.defineProperty"  # scripts
    r"|^yyyy-MM-dd"  # a form of dates
    r"|python app\.py"  # a command
    r"|^ts ts-|^ts-"  # style classes
)
_WORDS = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")


def _unread(tree: ast.AST) -> set[ast.AST]:
    """What no visitor reads: docstrings, log lines, and what a mistake of our own raises."""
    unread: set[ast.AST] = set()
    for node in ast.walk(tree):
        hidden = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            hidden = isinstance(node.func.value, ast.Name) and node.func.value.id == "log"
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            hidden = isinstance(node.exc.func, ast.Name) and hasattr(builtins, node.exc.func.id)
        if hidden:
            unread |= set(ast.walk(node))
    return unread


def _sentences(tree: ast.AST) -> list[str]:
    """String literals that hold two words or more, markup aside."""
    unread = _unread(tree)
    inner = {p for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for p in n.values}
    found = []
    for node in ast.walk(tree):
        is_string = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        if not is_string or node in unread or node in inner:
            continue
        text = re.sub(r"<[^>]*>", "", written(node, "7"))
        if _WORDS.search(text) and not NOT_SENTENCES.search(text):
            found.append(text)
    return found


@pytest.mark.parametrize("name", TREES)
def test_no_sentence_is_written_in_the_code(name: str) -> None:
    """What a person reads, errors included, comes from the text file."""
    assert _sentences(TREES[name]) == []


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ('gr.Textbox(label="Hub id here")', True),
        ('raise BadDataset("No file was uploaded yet.", "x")', True),
        ('machine = f"{cpu}, {cores} cores on {day} only"', True),
        ('raise BadRunConfig(f"{where}.", "Change that setting.")', True),
        ('html = f"<p class=\\"ts ts-small\\">{text}</p>"', False),
        ('log.info("run %s was interrupted", run)', False),
        ('raise ValueError("our own mistake")', False),
        ('"""A docstring of words."""', False),
    ],
)
def test_the_search_for_sentences_finds_them(code: str, caught: bool) -> None:
    assert bool(_sentences(ast.parse(code))) is caught


@pytest.mark.parametrize(("n", "words"), [(1, "1 document"), (0, "0 documents"),
                                          (1200, "1,200 documents")])  # fmt: skip
def test_a_number_and_its_noun_agree(n: int, words: str) -> None:
    assert tn("unit.documents", DEFAULT_LANG, n) == words


def test_plural_sentences_have_both_forms() -> None:
    keys = texts(DEFAULT_LANG)
    for key in keys:
        if key.endswith((".one", ".other")):
            stem = key.rsplit(".", 1)[0]
            assert {f"{stem}.one", f"{stem}.other"} <= set(keys)


def test_the_names_of_a_section_are_its_keys() -> None:
    assert names("recipe", DEFAULT_LANG) == ("quick", "balanced", "thorough")


def test_a_missing_placeholder_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        t("live.step", DEFAULT_LANG, step=1)
