"""Whatever comes from outside is shown, never run."""

from html.parser import HTMLParser

import pytest

from app import answers, gauges, problems
from app import components as ui
from app.text import t
from engine.data.ingest import FORMATS
from engine.errors import UnclearColumn
from tests.support.example_runs import EVIL


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.open = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.open += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        self.open -= 1


def _spans(x: str) -> tuple[answers.Span, ...]:
    return ((x, "first"), (x, "differs"), (x, "same"))


PIECES = {
    "brand": lambda x: ui.brand(x),
    "language_link": lambda x: ui.language_link(x, x, x),
    "hero": lambda x: ui.hero(x, x, x),
    "section": lambda x: ui.section(x, x, more=x),
    "explained": lambda x: ui.explained(x),
    "notice": lambda x: ui.notice("bad", x, x),
    "label": lambda x: ui.label(x),
    "reading": lambda x: ui.reading(x),
    "inline": lambda x: ui.inline([x]),
    "facts": lambda x: ui.facts([(x, x), (x, ui.Short(x, 20)), (x, ui.Link(x, x))]),
    "bullets": lambda x: ui.bullets([x]),
    "tiles": lambda x: ui.tiles([ui.Tile(x, x, x, x, "bad", (("original", x, x),), x)]),
    "table": lambda x: ui.table([x, x], [(ui.Link(x, x), x), (x, x)], caption=x),
    "folded": lambda x: ui.folded(x, ui.label(x)),
    "documents": lambda x: ui.documents([x]),
    "stages": lambda x: gauges.stages([(x, x, "now")]),
    "meter": lambda x: gauges.meter(0.5, 0.7, x, [x]),
    "bar": lambda x: ui.bar(0.5, x, [x]),
    "log": lambda x: gauges.log([(x, x, x)], name=x),
    "live_panes": lambda x: answers.live_panes(
        [answers.LiveView("original", x, x, _spans(x), ((x, x),))], answers.Legend(x, x, x, x)
    ),
    "blind_pair": lambda x: answers.blind_pair(x, x, [(x, x)], x),
    "answers": lambda x: answers.answers(
        x,
        x,
        [answers.AnswerView("converted", x, _spans(x), ((x, x),))],
        answers.Legend(x, x, x, x),
    ),
    "download": lambda x: ui.download(x, x, x),
}


@pytest.mark.parametrize("piece", PIECES)
def test_markup_in_a_value_stays_text(piece: str) -> None:
    seen = _Tags()
    seen.feed(PIECES[piece](EVIL))
    assert not seen.tags & {"img", "script"}
    assert not seen.handlers
    assert seen.open == 0, "every tag is closed"


def test_every_piece_is_tested() -> None:
    public = {
        name
        for module in (ui, answers, gauges)
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and value.__module__ == module.__name__
    }
    helpers = {"esc", "wrap", "Tile", "Link", "Short", "AnswerView", "LiveView", "Legend"}
    assert public - helpers == set(PIECES)


def test_a_quote_cannot_leave_its_attribute() -> None:
    assert ui.esc('"') == "&quot;"
    assert 'onx="' not in ui.table(["a"], [(ui.Link('" onx="1', "b"),)], caption='" onx="1')


def test_rows_of_words_keep_their_columns_names_where_they_stand_below_one_another() -> None:
    rows = [("one", "1"), ("two", "2")]
    stacked = ui.table(["<name>", "<n>"], rows, caption="c", words=True)
    assert stacked.count('data-column="&lt;n&gt;"') == 2 and "<n>" not in stacked
    roles = {"table": 1, "row": 2, "rowheader": 2, "cell": 2}
    assert {role: stacked.count(f'role="{role}"') for role in roles} == roles
    assert "data-column" not in ui.table(["name", "n"], rows, caption="c")


@pytest.mark.parametrize(
    ("columns", "cell", "stacked"),
    [(4, "1,234", False), (5, "1", True), (4, "100 % (20/20)", True), (4, "1,234 か月", False),
     (4, "約 1,234 か月間", True)],
)  # fmt: skip
def test_tables_of_numbers_that_a_phone_has_no_room_for_are_stacked(
    columns: int, cell: str, stacked: bool
) -> None:
    names = ["name", *(f"n{i}" for i in range(1, columns))]
    html = ui.table(names, [["x", *[cell] * (columns - 1)]] * 3, caption="c")
    assert ("stack" in html) is ("data-column" in html) is ('role="table"' in html) is stacked
    assert "words" not in html
    assert html.count('data-column="name"') == 3 * stacked, "a number alone says nothing"


def test_a_long_fact_has_a_line_to_itself() -> None:
    assert ui.facts([("a", "short"), ("b", "long " * 9)]).count('class="wide"') == 1


@pytest.mark.parametrize(
    ("share", "width"), [(None, "0.0%"), (-1.0, "0.0%"), (0.25, "25.0%"), (7.0, "100.0%")]
)
def test_the_bar_stays_within_itself(share: float | None, width: str) -> None:
    assert f"width:{width}" in ui.bar(share, "progress", [])


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_an_unclear_column_is_explained_without_the_command_line(lang: str) -> None:
    error = UnclearColumn("a.csv has no column that is clearly the text.", "Use --text-column.")
    title, words = problems.words(error, lang)
    columns = [t(f"data.column.{name}", lang).lower() for name in ("text_column", "prompt_column")]
    assert "--" not in words and title and columns[0] in words and columns[1][:2] in words
    assert error.message in words
    if lang != "en":
        assert t("error.engine_words", lang, text=error.message) in words
    assert all(ending in t("data.upload", lang) for ending in FORMATS)
