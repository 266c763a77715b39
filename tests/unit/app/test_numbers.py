"""Numbers as a person reads them."""

from app.numbers import (
    as_typed,
    count,
    duration,
    fraction,
    language,
    moment,
    number,
    percent,
    size,
    times,
)


def test_numbers_read_well() -> None:
    assert [number(x) for x in (None, 0, 0.03125, 2.704, 31.4, 1234.5)] == [
        "–", "0.00", "0.0312", "2.70", "31.4", "1,234",
    ]  # fmt: skip
    assert [size(x) for x in (None, 900, 2048, 4.07 * 2**20, 3 * 2**30)] == [
        "–", "900 B", "2.00 KiB", "4.07 MiB", "3.00 GiB",
    ]  # fmt: skip
    assert [duration(x) for x in (None, 41.6, 185, 7800)] == [
        "–", "42 s", "3 min 05 s", "2 h 10 min",
    ]  # fmt: skip
    assert (percent(0.825), percent(None), times(2.74), count(None)) == ("82 %", "–", "2.7×", "–")
    assert (times(0.984), times(1.037), times(1), times(0.5)) == ("0.98×", "1.04×", "1.00×", "0.5×")
    assert percent(380.3, 1) == "38,030.0 %"
    assert moment("2026-11-24T01:02:03+00:00") == "2026-11-24 01:02" and moment("soon") == "soon"
    assert (fraction(1800, 2000), fraction(None, 20)) == ("1,800/2,000", "–")


def test_what_a_form_holds_is_what_a_person_would_type() -> None:
    assert [as_typed(x) for x in (None, "", 0, 0.5, 2.0, 20_000, "JPY")] == [
        "", "", "0", "0.5", "2", "20000", "JPY",
    ]  # fmt: skip


def test_languages_have_names() -> None:
    assert language("ja", "ja") == "日本語" and language("ja", "en") == "Japanese"
    assert language("zz-unknown-x", "en") == "zz-unknown-x"
