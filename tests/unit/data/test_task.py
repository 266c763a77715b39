"""Rows that are tasks: which tables are, what training sees, and what a model is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.data.dataset import build_dataset
from engine.data.ingest import Corpus, read_corpus
from engine.data.task import PROMPT_NAMES, REFERENCE_NAMES, TaskPair
from engine.data.task_prompts import MOST_NEW_TOKENS, task_prompts
from engine.errors import BadDataset, UnclearColumn
from tests.support.data_files import ENGLISH, jsonl, write
from tests.support.models import tiny_tokenizer

ROWS = [{"id": n, "question": d, "answer": f"Site {n}."} for n, d in enumerate(ENGLISH)]


def _corpus(folder: Path, rows: list[dict[str, object]], **columns: str) -> Corpus:
    return read_corpus(write(folder, "a.jsonl", jsonl(rows)), **columns)


@pytest.mark.parametrize("prompt", PROMPT_NAMES)
def test_usual_names_are_found(tmp_path: Path, prompt: str) -> None:
    reference = REFERENCE_NAMES[PROMPT_NAMES.index(prompt) % len(REFERENCE_NAMES)]
    names = (f" {prompt.upper()} ", reference)
    rows = [dict(zip(names, (d, "Yes."), strict=True)) for d in ENGLISH]
    task = _corpus(tmp_path, rows).task
    assert task and (task.prompt_column, task.reference_column) == names


def test_a_document_is_prompt_and_reference_and_copies_count(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path, [*ROWS, ROWS[0], {"question": "No answer"}])
    assert corpus.task and corpus.text_column is None
    assert corpus.documents[1] == f"{ENGLISH[1].strip()}\nSite 1.\n"
    assert corpus.task.pairs[corpus.documents[1]] == TaskPair(ENGLISH[1].strip(), "Site 1.")
    assert (len(corpus.documents), corpus.duplicates) == (len(ENGLISH), 1)
    assert corpus.notes == (
        "Each row is a task: 'question' asks, 'answer' is the right answer.",
        "1 rows without text were left out.",
    )


def test_numbers_are_answers_too(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path, [{"input": d, "output": n} for n, d in enumerate(ENGLISH)])
    assert corpus.documents[7].endswith("\n7\n")


def test_named_columns_beat_the_usual_names(tmp_path: Path) -> None:
    rows = [{**row, "de": f"Ort {row['id']}"} for row in ROWS]
    task = _corpus(tmp_path, rows, reference_column="de").task
    assert task and (task.prompt_column, task.reference_column) == ("question", "de")


def test_named_text_or_an_empty_name_means_text(tmp_path: Path) -> None:
    rows = [{**row, "text": row["question"]} for row in ROWS]
    assert _corpus(tmp_path, rows).task
    for columns in ({"text_column": "text"}, {"prompt_column": ""}, {"reference_column": ""}):
        corpus = _corpus(tmp_path, rows, **columns)
        assert corpus.task is None and corpus.text_column == "text"


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        (ROWS, {"prompt_column": "ask"}, "no column 'ask'; it has id, question, answer"),
        (ROWS, {"text_column": "question", "prompt_column": "question"}, "Both a text column"),
        ([{"ask": d} for d in ENGLISH], {"prompt_column": "ask"}, "no reference column"),
        ([{"say": d} for d in ENGLISH], {"reference_column": "say"}, "no prompt column"),
        ([{"question": d, "answer": [d]} for d in ENGLISH], {"reference_column": "answer"},
         "line 1: 'answer' holds a list"),
        ([{"ask": d, "say": None} for d in ENGLISH],
         {"prompt_column": "ask", "reference_column": "say"}, "no row with both 'ask' and 'say'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_as_tasks_is_told(tmp_path: Path, rows, columns, said) -> None:
    with pytest.raises(BadDataset, match=said) as caught:
        _corpus(tmp_path, rows, **columns)
    assert caught.value.hint


def test_running_text_has_no_columns(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="running text"):
        read_corpus(write(tmp_path, "a.txt", "\n\n".join(ENGLISH)), prompt_column="question")


def test_one_usual_name_alone_is_no_task(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path, [{"text": d, "summary": "Short."} for d in ENGLISH])
    assert corpus.task is None and corpus.text_column == "text"
    with pytest.raises(UnclearColumn):
        _corpus(tmp_path, [{"question": d, "remark": d} for d in ENGLISH])


def _asked(corpus: Corpus, context: int, most: int):
    tokenizer = tiny_tokenizer()
    dataset = build_dataset(corpus, tokenizer, max_tokens=256, seed=0)
    heldout = [piece.document for piece in dataset.heldout]
    task = task_prompts(corpus, heldout, tokenizer, context_tokens=context, most=most)
    return task, tokenizer, set(heldout)


def test_held_out_prompts_are_asked_as_training_saw_them(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path, ROWS)
    task, tokenizer, heldout = _asked(corpus, 4096, 1000)
    assert task and {prompt.document for prompt in task.prompts} == heldout
    assert task.heldout == len(heldout) == len(task.prompts)
    first = task.prompts[0]
    whole = tokenizer(corpus.documents[first.document])["input_ids"]
    assert first.ids == whole[: len(first.ids)] and first.dropped == 0
    assert tokenizer.decode(whole[len(first.ids) :]).strip() == first.pair.reference
    assert task.new_tokens == max(p.reference_tokens for p in task.prompts) + 8 and task.one_line


def test_long_prompts_lose_their_beginning(tmp_path: Path) -> None:
    corpus = _corpus(tmp_path, [{**row, "answer": "a\n" * 300} for row in ROWS])
    task, tokenizer, _ = _asked(corpus, 300, 2)
    assert task and len(task.prompts) == 2 and task.new_tokens == MOST_NEW_TOKENS
    assert not task.one_line
    for prompt in task.prompts:
        whole = tokenizer(prompt.pair.prompt + "\n")["input_ids"]
        assert prompt.ids == whole[prompt.dropped :] and len(prompt.ids) == 300 - MOST_NEW_TOKENS
        assert prompt.reference_tokens > MOST_NEW_TOKENS


def test_text_or_no_documents_asks_nothing(tmp_path: Path) -> None:
    assert _asked(_corpus(tmp_path, [{"text": d} for d in ENGLISH]), 512, 40)[0] is None
    assert _asked(_corpus(tmp_path, ROWS), 512, 0)[0] is None
