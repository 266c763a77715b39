"""The text file and the code use the same keys."""

import re
import string
from pathlib import Path

import pytest

from app.pages.convert import METHODS, RECIPES
from app.text import DEFAULT_LANG, FOLDER, t, texts
from engine import errors
from engine.events import STAGES
from engine.runs.records import WORKING

APP = Path(__file__).parents[3] / "app"
SOURCES = {path: path.read_text("utf-8") for path in APP.rglob("*.py")}
_CALL = re.compile(r"""\bt\(\s*(f?)"([^"]+)"(?:\s+if\b[^,]*?\belse\s+(f?)"([^"]+)")?""")


def _patterns() -> set[str]:
    """Keys used in the code; {placeholders} of an f-string become a wildcard."""
    found = set()
    for source in SOURCES.values():
        for first, key, second, other in _CALL.findall(source):
            for is_pattern, name in ((first, key), (second, other)):
                if name:
                    parts = re.split(r"\{[^}]*\}", name) if is_pattern else [name]
                    found.add(r"[\w-]+".join(map(re.escape, parts)))
    return found


def test_every_key_in_the_code_exists() -> None:
    keys = texts(DEFAULT_LANG)
    missing = [p for p in _patterns() if not any(re.fullmatch(p, key) for key in keys)]
    assert missing == []


def test_every_key_is_used() -> None:
    patterns = _patterns()
    unused = [k for k in texts(DEFAULT_LANG) if not any(re.fullmatch(p, k) for p in patterns)]
    assert unused == []


@pytest.mark.parametrize("lang", [path.stem for path in FOLDER.glob("*.json")])
def test_languages_have_the_same_keys_and_placeholders(lang: str) -> None:
    def shape(of: str) -> dict[str, set[str]]:
        return {
            key: {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for key, text in texts(of).items()
        }

    assert shape(lang) == shape(DEFAULT_LANG)
    assert all(text.strip() == text or key.endswith("join") for key, text in texts(lang).items())


def test_every_error_has_a_title() -> None:
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.EngineError):
            assert t(f"error.{name}", DEFAULT_LANG)


def test_every_choice_and_state_has_its_words() -> None:
    keys = texts(DEFAULT_LANG)
    for key in (
        *(f"method.{name}" for name in METHODS),
        *(f"recipe.{name}" for name in RECIPES),
        *(f"stage.{stage}" for stage in STAGES),
        *(f"state.{state}" for state in (*WORKING, "done", "failed", "cancelled", "interrupted")),
        *(f"live.{state}" for state in ("failed", "cancelled", "interrupted")),
    ):
        assert key in keys


def test_no_sentence_is_written_in_the_code() -> None:
    """Labels, titles and infos come from the text file."""
    literal = re.compile(r"""\b(?:label|info|placeholder)=f?"[A-Za-z]+ [^"]*\"""")
    found = {path.name: literal.findall(source) for path, source in SOURCES.items()}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_a_missing_placeholder_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        t("live.step", DEFAULT_LANG, step=1)
