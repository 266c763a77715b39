"""Copied text is found however it was disguised; text that merely shares phrases is not."""

import random

from engine.data.documents import business_documents
from engine.data.leaks import find_leaks

_MADE = business_documents(0, characters=(900, 1500))
RECORDS = [next(_MADE).text for _ in range(12)]
TRAIN, HELD_OUT = range(10), (10, 11)


def test_records_of_one_kind_are_no_leak():
    assert find_leaks(RECORDS, TRAIN, HELD_OUT) == ()


def test_an_exact_copy_and_one_with_other_case_and_spaces():
    for copy in (RECORDS[10], "  ".join(RECORDS[10].upper().split())):
        leaks = find_leaks([*RECORDS, copy], [*TRAIN, 12], HELD_OUT)
        assert [leak.document for leak in leaks] == [10] and leaks[0].share > 0.95


def test_a_near_copy_and_a_quotation_inside_something_longer():
    edited = RECORDS[11].replace("1", "2").replace("3", "4")
    quoted = RECORDS[3] + RECORDS[10] + RECORDS[4]
    leaks = find_leaks([*RECORDS, edited, quoted], [*TRAIN, 12, 13], HELD_OUT)
    assert [leak.document for leak in leaks] == [10, 11]
    assert leaks[0].share > 0.95 and 0.5 <= leaks[1].share < 0.95


def test_a_copy_with_its_short_lines_shuffled():
    lines = [f"line {n}: pump {n * 7919 % 1000} was serviced on day {n}" for n in range(30)]
    mixed = random.Random(0).sample(lines, len(lines))
    leaks = find_leaks([*RECORDS, "\n".join(lines), "\n".join(mixed)], [*TRAIN, 12], [13])
    assert leaks and leaks[0].share == 1.0


def test_short_and_empty_texts():
    assert find_leaks(["", "one", "one", "two"], [1, 3], [0, 2])[0].document == 2
    assert find_leaks(["", "a"], [1], [0]) == () == find_leaks(["a", "b"], [0], [])
    half = RECORDS[10][: len(RECORDS[10]) // 4]
    assert find_leaks([*RECORDS, half], [*TRAIN, 12], HELD_OUT) == ()  # a quarter is no leak
