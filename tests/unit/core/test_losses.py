import pytest
import torch

from engine.core.losses import Variance, next_token_losses, squared_error, target_count


def test_text_loss_is_the_sum_of_minus_log_p_over_real_targets():
    logits = torch.randn(2, 4, 7)
    labels = torch.tensor([[1, 2, 3, 4], [5, 6, -100, -100]])
    text, divergence = next_token_losses(logits, labels, None)
    log_p = logits.log_softmax(-1)
    want = -(log_p[0, 0, 2] + log_p[0, 1, 3] + log_p[0, 2, 4] + log_p[1, 0, 6])
    assert text.item() == pytest.approx(want.item(), rel=1e-6)
    assert divergence.item() == 0 and target_count(labels) == 4


def test_divergence_is_zero_only_for_the_teacher_itself():
    logits, labels = torch.randn(2, 5, 7), torch.ones(2, 5, dtype=torch.long)
    assert next_token_losses(logits, labels, logits)[1].item() == pytest.approx(0, abs=1e-5)
    other = torch.randn(2, 5, 7)
    p, q = other.softmax(-1)[:, :-1], logits.softmax(-1)[:, :-1]
    want = (p * (p / q).log()).sum().item()
    assert next_token_losses(logits, labels, other)[1].item() == pytest.approx(want, rel=1e-5)


def test_transfer_error_ignores_padding_and_a_constant_guess_scores_one():
    target = torch.randn(2, 3, 5, 4)
    real = torch.tensor([[True] * 5, [True, True, False, False, False]])
    whole, parts = Variance(), Variance()
    whole.add(target, real)
    for row in (0, 1):
        parts.add(target[row : row + 1], real[row : row + 1])
    assert parts.value() == pytest.approx(whole.value())
    mean = target.transpose(1, 2)[real].mean(0)
    guess = mean[None, :, None, :].expand_as(target)
    error = squared_error(guess, target, real).item()
    assert error == pytest.approx(whole.value() * 7 * 12, rel=1e-5)
    changed = target.clone()
    changed[1, :, 2:] += 100
    assert squared_error(changed, target, real).item() == 0
