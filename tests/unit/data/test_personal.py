"""Personal data: what has its form is found and replaced, business numbers are not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.personal import (
    Kind,
    find,
    luhn_checks,
    masked,
    my_number_checks,
    survey,
)

WORDS = st.sampled_from(
    [
        "",
        "Please call ",
        "連絡先は",
        "（担当）",
        "x\n",
        "No. ",
        "Tel: ",
        "、",
        "「",
        ": ",
        "\t",
        "〒",
    ]
)
AFTERWARDS = st.sampled_from(["", ".", "です。", " or later", "、", "\n", "）", "」まで", ", 12"])


@st.composite
def e_mails(draw: st.DrawFn) -> str:
    local = draw(st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,20}", fullmatch=True))
    return (
        f"{local}@{draw(st.from_regex(r'([a-z0-9]{1,9}[.]){1,3}(jp|com|museum)', fullmatch=True))}"
    )


@st.composite
def phones(draw: st.DrawFn) -> str:
    form = draw(
        st.sampled_from(
            ["03-####-####", "0##-###-####", "0120-###-###", "090-####-####", "080########",
             "050 #### ####", "(06) ####-####", "03(####)####", "+81-3-####-####",
             "+81 90 #### ####", "+44 20 #### ####", "+1 (212) ###-####", "+4930########"]
        )
    )  # fmt: skip
    form = form.replace("0##-", "0{}{}-".format(*draw(st.sampled_from(["11", "45", "52", "92"]))))
    return re.sub("#", lambda _: draw(st.sampled_from("0123456789")), form)


@st.composite
def my_numbers(draw: st.DrawFn) -> str:
    # Not what could be a time, which is left out on purpose.
    head = draw(st.from_regex(r"[3-9][0-9]{10}", fullmatch=True))
    digits = next(head + last for last in "0123456789" if my_number_checks(head + last))
    separator = draw(st.sampled_from(["", " ", "-"]))
    return separator.join([digits[:4], digits[4:8], digits[8:]])


@st.composite
def cards(draw: st.DrawFn) -> str:
    head = "4" + draw(st.from_regex(r"[0-9]{14}", fullmatch=True))
    digits = next(head + last for last in "0123456789" if luhn_checks(head + last))
    separator = draw(st.sampled_from(["", " ", "-"]))
    return separator.join(digits[i : i + 4] for i in range(0, 16, 4))


POSTAL = st.from_regex(r"〒[0-9]{3}-[0-9]{4}", fullmatch=True)
PERSONAL: dict[Kind, st.SearchStrategy[str]] = {
    "e_mail": e_mails(), "phone": phones(), "my_number": my_numbers(), "card": cards(),
    "postal_code": POSTAL,
}  # fmt: skip


def wide(text: str) -> str:
    """In full-width characters, as Japanese keyboards give them."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@pytest.mark.parametrize("kind", PERSONAL)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), before=WORDS, after=AFTERWARDS, full_width=st.booleans())
def test_what_has_the_form_is_found_and_replaced(
    kind: Kind, data: st.DataObject, before: str, after: str, full_width: bool
) -> None:
    value = data.draw(PERSONAL[kind])
    shown = wide(value) if full_width else value
    if kind == "e_mail" or before == "〒":
        before = before and "、"  # a Latin word before an address is a part of it
    text = before + shown + after
    assert [(one.kind, text[one.start : one.end]) for one in find(text)] == [(kind, shown)]
    assert masked(text) == f"{before}[{kind.upper().replace('_', '-')}]{after}"


@settings(deadline=None)
@given(st.text(st.sampled_from("0123456789-+ ()@.aé電話〒：０９＠"), max_size=120))
def test_nothing_is_found_in_a_masked_text_and_the_rest_stays(text: str) -> None:
    places = find(text)
    assert all(0 <= a.start < a.end <= len(text) for a in places)
    assert all(a.end <= b.start for a, b in zip(places, places[1:]))
    result = masked(text)
    assert find(result) == [] and masked(result) == result
    assert (result == text) == (not places)


@given(st.text(st.characters(exclude_categories=["Nd"], exclude_characters="@＠")))
def test_a_text_without_digits_or_at_signs_stays(text: str) -> None:
    assert masked(text) == text


BUSINESS = [
    "2026-11-25", "2026/11/25 13:45", "25.11.2026", "令和8年11月25日", "202611251345",
    "20261125134500", "11-25-2026", "¥1,234,567", "1,234,567,890円", "$12,345.67", "0.0123456789",
    "-1234567890", "+10 000 000", "+12.5 %", "+1234567", "注文番号 100-2345-678", "PO-0312345678",
    "KD-03-1234-5678", "#0312345678", "order 0312345678", "伝票 012345678901234", "v1.2.3.4",
    "192.168.100.200", "ISBN 978-4-06-519981-7", "JAN 4901234567894", "T1234567890123",
    "part 12-3456-7890", "00123-4567-8901", "3.14159265358979", "1234567", "160-0022", "A@B",
    "user@host", "@mention", "07-11", "SN 123456789012345678", "1234-5678-901", "0800-1234",
    "03-1234-567", "03-12345-6789", "5V@2A", "10 000 000 000", "第0312号", "9:00-17:00",
]  # fmt: skip


@pytest.mark.parametrize("text", BUSINESS)
def test_business_numbers_are_no_personal_data(text: str) -> None:
    for written in (text, f"作業票：{text}を確認", f"see {text}, then go on"):
        assert find(written) == [], written


def test_check_digits() -> None:
    assert my_number_checks("123456789018") and not my_number_checks("123456789012")
    assert luhn_checks("4111111111111111") and not luhn_checks("4111111111111112")
    assert find("4111 1111 1111 1112") == [] and find("1234 5678 9012") == []
    assert [one.kind for one in find("378282246310005 / 3782 822463 10005 / 30569309025904")] == [
        "card", "card", "card",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["TEL 0312345678", "電話：０３１２３４５６７８", "Fax. 06-1234-5678", "TEL03-1234-5678",
             "phone 212-555-0100", "(212) 555-0100", "03-1234-5678,", "03-1234-5678/5679"],
)  # fmt: skip
def test_telephone_numbers_by_word_or_brackets(text: str) -> None:
    assert [one.kind for one in find(text)] == ["phone"]


def test_a_survey_counts_and_shows_masked_examples_only() -> None:
    texts = [f"Mail taro{n}@example.co.jp, call 090-1234-567{n}." for n in range(5)]
    found = survey([*texts, "nothing here"])
    assert found.counts == {"e_mail": 5, "phone": 5} and found.documents == 5
    assert found.examples == {"e_mail": ("t••••@•••••••••••••",), "phone": ("0••-••••-••••",)}
    assert survey(["nothing"]).counts == {}


def test_long_runs_of_digits_take_no_time() -> None:
    for text in ("+" + "1 " * 50_000, "0" * 100_000, "a" * 100_000 + "@", "+1" * 50_000,
                 "1-" * 50_000, "a@" + "b." * 50_000):  # fmt: skip
        masked(text)
