"""Perplexity, position bins, bits per byte and likeness, against the plainest computation."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from engine.data.batches import Piece
from engine.data.token_text import TOKEN_CLASSES, TokenClass
from engine.evidence.likeness import likeness
from engine.evidence.quality import score, select_pieces
from tests.support.models import VOCABULARY, tiny_model


@dataclass(frozen=True)
class _Piece:
    ids: Tensor
    document: int


@pytest.fixture(scope="module")
def pieces() -> list[_Piece]:
    generator = torch.Generator().manual_seed(0)
    return [
        _Piece(torch.randint(VOCABULARY, (length,), generator=generator), document)
        for length, document in ((300, 0), (2, 0), (65, 1), (40, 2))
    ]


def _naive_losses(model, piece: _Piece) -> list[float]:
    with torch.inference_mode():
        logits = model(piece.ids[None]).logits[0].double()
    return [-float(logits[t - 1].log_softmax(-1)[piece.ids[t]]) for t in range(1, len(piece.ids))]


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_perplexity_is_that_of_a_token_by_token_computation(family, pieces):
    model = tiny_model(family)
    losses = [loss for piece in pieces for loss in _naive_losses(model, piece)]
    result = score(model, pieces, text_bytes=1000)
    assert result.tokens == len(losses) == 300 + 2 + 65 + 40 - 4
    assert result.documents == 3
    assert result.perplexity == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-5)
    assert result.bits_per_byte == pytest.approx(sum(losses) / math.log(2) / 1000, rel=1e-5)
    assert result.note is None


def test_position_bins_hold_the_tokens_with_that_much_context(pieces):
    model = tiny_model("llama")
    result = score(model, pieces)
    bins = result.perplexity_by_position
    assert [(b.from_token, b.to_token) for b in bins] == [(0, 64), (64, 256), (256, 300)]
    assert [b.tokens for b in bins] == [63 + 1 + 63 + 39, 192 + 1, 44]
    expected = _naive_losses(model, pieces[0])[255:]
    assert bins[2].perplexity == pytest.approx(math.exp(sum(expected) / 44), rel=1e-5)
    logs = sum(b.tokens * math.log(b.perplexity or 0) for b in bins)
    assert math.exp(logs / result.tokens) == pytest.approx(result.perplexity, rel=1e-6)


def test_documents_add_up_from_their_own_pieces(pieces):
    model = tiny_model("llama")
    documents = score(model, pieces).by_document
    assert [(d.document, d.tokens) for d in documents] == [(0, 300), (1, 64), (2, 39)]
    expected = [sum(_naive_losses(model, piece)) for piece in pieces]
    got = [d.nats for d in documents]
    assert got == pytest.approx([expected[0] + expected[1], *expected[2:]], rel=1e-5)


def test_without_known_bytes_there_are_no_bits_per_byte(pieces):
    assert score(tiny_model("llama"), pieces).bits_per_byte is None


def test_bits_per_byte_by_position_and_document_add_up(pieces):
    sizes = [[1 + t % 3 for t in range(1, len(piece.ids))] for piece in pieces]
    total = sum(map(sum, sizes))
    result = score(tiny_model("llama"), pieces, text_bytes=total, sizes=sizes)
    in_bins = [sum(x for of in sizes for x in of[a:b]) for a, b in ((0, 63), (63, 255), (255, 299))]
    bits = sum(b.bits_per_byte * n for b, n in zip(result.perplexity_by_position, in_bins))
    assert bits / total == pytest.approx(result.bits_per_byte)
    assert [d.bytes for d in result.by_document] == [
        sum(sizes[0]) + sum(sizes[1]), sum(sizes[2]), sum(sizes[3])
    ]  # fmt: skip


def test_a_model_agrees_with_itself(pieces):
    model = tiny_model("llama")
    found = likeness(model, model, pieces).overall
    assert found.kl == pytest.approx(0.0, abs=1e-6) == found.kl_p95
    assert (found.top1, found.top5, found.tokens) == (1.0, 1.0, 403)


def test_likeness_of_two_models(pieces):
    ours, theirs = tiny_model("llama"), tiny_model("llama", seed=1)
    terms, same, five, names = [], [], [], []
    classes: list[list[TokenClass]] = []
    for piece in pieces:
        with torch.inference_mode():
            p, q = (
                m(piece.ids[None]).logits[0, :-1].double().log_softmax(-1) for m in (ours, theirs)
            )
        terms.append((p.exp() * (p - q)).sum(-1))
        same.append((p.argmax(-1) == q.argmax(-1)).double())
        tops = [[set(row) for row in x.topk(5).indices.tolist()] for x in (p, q)]
        five.append(torch.tensor([len(a & b) / 5 for a, b in zip(*tops)]))
        classes.append([TOKEN_CLASSES[int(i) % 2] for i in piece.ids[1:]])
        names += classes[-1]
    kl, top1, top5 = torch.cat(terms), torch.cat(same), torch.cat(five)
    report = likeness(ours, theirs, pieces, classes=classes)
    assert report.overall.kl == pytest.approx(float(kl.mean()), rel=1e-4)
    assert report.overall.kl_p95 == pytest.approx(sorted(kl.tolist())[382], rel=1e-4)
    assert report.overall.top1 == pytest.approx(float(top1.mean()))
    assert report.overall.top5 == pytest.approx(float(top5.mean()))
    assert [(b.from_token, b.to_token, b.tokens) for b in report.by_position] == [
        (0, 64, 166), (64, 256, 193), (256, 300, 44)
    ]  # fmt: skip
    far = terms[0][255:]
    assert report.by_position[2].kl == pytest.approx(float(far.mean()), rel=1e-4)
    for group in report.by_class:
        which = torch.tensor([name == group.token_class for name in names])
        assert group.tokens == int(which.sum())
        assert group.kl == pytest.approx(float(kl[which].mean()), rel=1e-4)
        assert group.top5 == pytest.approx(float(top5[which].mean()))
    assert [group.token_class for group in report.by_class] == list(TOKEN_CLASSES[:2])


def test_a_broken_model_gives_null_and_a_note(pieces):
    model = tiny_model("llama")
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    result = score(model, pieces)
    assert result.perplexity is None and result.note
    found = likeness(tiny_model("llama"), model, pieces).overall
    assert (found.kl, found.kl_p95, found.top1, found.top5) == (None, None, None, None)


def test_cancelling_stops_between_micro_batches(pieces):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(tiny_model("llama"), pieces, tick=stop)


def test_selection_keeps_to_the_tokens_but_takes_at_least_one(pieces):
    assert [len(p.ids) for p in select_pieces(pieces, 350)] == [300, 2, 40]
    assert [len(p.ids) for p in select_pieces(pieces, 10)] == [300]


def _long_documents(documents: int, each: int) -> list[Piece]:
    return [
        Piece(torch.arange(100), document, 100 * n, None)
        for document in range(documents)
        for n in range(each)
    ]


def test_the_tokens_go_round_all_documents():
    chosen = select_pieces(_long_documents(8, 10), 2_000)
    starts = [[p.start_token for p in chosen if p.document == d] for d in range(8)]
    assert len(chosen) == 20 and all(found in ([0, 100], [0, 100, 200]) for found in starts)
    places = [(p.document, p.start_token) for p in chosen]
    assert places == sorted(places)  # as they stand in the file


def test_where_not_all_documents_fit_those_taken_are_spread():
    found = [p.document for p in select_pieces(_long_documents(100, 2), 1_000)]
    assert len(found) == 10 == len(set(found))
    assert max(b - a for a, b in zip([0, *found], [*found, 99])) <= 17
