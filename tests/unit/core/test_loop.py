import math

import pytest
import torch
from torch import nn

from engine.core.loop import Best, Group, Loop, rate_at
from engine.errors import Cancelled, EngineError, NonFiniteLoss


def one_parameter_loop(checkpoint=None, steps=20, patience=None):
    weight = nn.Parameter(torch.tensor([5.0, -3.0]))
    loop = Loop([Group({"w": weight}, 0.1), Group({}, 0.1)], steps, checkpoint, patience)

    def backward(step: int) -> float:
        loss = (weight * (1 + step % 3)).square().sum()
        loss.backward()
        return loss.item()

    return loop, weight, backward


def test_rate_rises_then_falls_and_never_reaches_zero():
    rates = [rate_at(step, 100) for step in range(100)]
    assert rates[0] < rates[3] < 1.0 and max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.06
    assert rate_at(0, 1) > 0


def test_cancelled_and_resumed_equals_uninterrupted(tmp_path):
    loop, whole, backward = one_parameter_loop()
    loop.run(backward, lambda *_: None)

    path = tmp_path / "checkpoint" / "stage.pt"
    loop, _, backward = one_parameter_loop(path)

    def stop_at_seven(step: int, *_: float) -> None:
        loop.best.consider(1.0 / step, step, loop.parameters)
        if step == 7:
            raise Cancelled("stop", "resume")

    with pytest.raises(Cancelled):
        loop.run(backward, stop_at_seven)
    loop, resumed, backward = one_parameter_loop(path)
    assert loop.step == 7 and loop.best.step == 7
    seen = []
    loop.run(backward, lambda step, *_: seen.append(step))
    assert seen == list(range(8, 21))
    assert torch.equal(resumed, whole)


def test_a_loss_that_is_no_number_stops_before_the_weights_change():
    loop, weight, _ = one_parameter_loop()
    before = weight.detach().clone()

    def backward(step: int) -> float:
        weight.sum().backward()
        return math.nan

    with pytest.raises(NonFiniteLoss) as error:
        loop.run(backward, lambda *_: None)
    assert "step 1" in error.value.message and torch.equal(weight, before)


def test_stops_when_patience_runs_out_even_if_cancelled_at_that_very_step(tmp_path):
    path = tmp_path / "stage.pt"
    loop, _, backward = one_parameter_loop(path, patience=3)

    def no_better_and_cancelled(step: int, *_: float) -> None:
        loop.best.consider(1.0, step, loop.parameters)
        if step == 4:
            raise Cancelled("stop", "resume")

    with pytest.raises(Cancelled):
        loop.run(backward, no_better_and_cancelled)
    loop, _, backward = one_parameter_loop(path, patience=3)
    loop.run(backward, lambda *_: pytest.fail("trained on after its end"))
    assert loop.step == 4 and loop.stopped_early


def test_best_keeps_the_weights_of_the_lowest_reading():
    weight = nn.Parameter(torch.zeros(2))
    best, parameters = Best(), {"w": weight}
    for step, loss in enumerate([3.0, 1.0, 2.0, 4.0]):
        weight.data.fill_(float(step))
        best.consider(loss, step, parameters)
    assert (best.step, best.stale) == (1, 2)
    best.restore(parameters)
    assert weight.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:764] . PytorchStreamWriter failed"),
    ],
)
def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, error):
    path = tmp_path / "stage.pt"
    loop, _, _ = one_parameter_loop(path)
    loop.save()
    before = path.read_bytes()

    def full(state, part):
        part.write_bytes(b"half")
        raise error

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(EngineError, match="checkpoint") as caught:
        loop.save()
    assert "disk space" in caught.value.hint
    assert [file.name for file in tmp_path.iterdir()] == ["stage.pt"]
    assert path.read_bytes() == before


def test_an_error_that_is_not_about_writing_stays_what_it_is(tmp_path, monkeypatch):
    def broken(state, part):
        raise RuntimeError("a bug")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        one_parameter_loop(tmp_path / "stage.pt")[0].save()


def test_buffers_come_back_with_the_parameters(tmp_path):
    def loop(count):
        weight = nn.Parameter(torch.zeros(2))
        return Loop([Group({"w": weight}, 0.1)], 5, tmp_path / "c.pt", buffers={"count": count})

    loop(torch.tensor(7)).save()
    count = torch.tensor(0)
    loop(count)
    assert count == 7
