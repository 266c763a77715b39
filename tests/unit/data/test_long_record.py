"""The text that shows who still knows: it asks for what it has said, once, long before."""

import pytest

from engine.data.documents import LANGUAGES, Language
from engine.data.long_record import LEAST_CHARACTERS, long_record


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("characters", [100, 6_000, 40_000])
def test_the_answer_stands_in_the_text(language: Language, characters: int) -> None:
    found = long_record(language, characters)
    said = len(found.text) - found.distance
    assert 0.8 * characters < len(found.text) <= max(LEAST_CHARACTERS, characters)
    assert found.answer in found.text[:said] and found.distance > 0.4 * len(found.text)
    assert found == long_record(language, characters)
    assert not found.text[-1].isspace()
