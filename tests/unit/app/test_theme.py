"""The page's own type: every weight that is asked for holds the letters of the page."""

import re
from pathlib import Path

import gradio
import pytest
from fontTools.ttLib import TTFont

from app.theme import theme

FRONTEND = Path(str(gradio.__file__)).parent / "templates" / "frontend"


@pytest.mark.parametrize("address", sorted(set(
    re.findall(r"url\('([^']+)'\)", "".join(theme()._stylesheets + [theme()._get_theme_css()]))
)))  # fmt: skip
def test_a_font_holds_every_latin_letter(address: str) -> None:
    known = TTFont(FRONTEND / address).getBestCmap()
    assert [chr(code) for code in range(0x21, 0x7F) if code not in known] == []
