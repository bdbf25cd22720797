"""What stands where nothing counts reaches no loss and no gradient; a batch in which nothing counts is told."""

import pytest
import torch
from alignlab.lm.masks import as_mask, left_positions, masked, masked_mean, pad_left, pad_right
from alignlab.outer.policy_gradients import grpo_loss
from alignlab.outer.ppo import (
    gae,
    policy_loss,
    token_rewards,
    value_loss,
    whiten,
)
from alignlab.outer.ranking_feedback.ranked import cringe_loss, rrhf_loss

MASK = torch.tensor([[True, True, False], [True, True, True]])
NONE = torch.zeros(2, 3, dtype=torch.bool)
JUNK = [float("nan"), float("-inf"), -1e10]
COUNTS = ["text", "token", "constant"]
G = torch.Generator().manual_seed(0)
LOGP = -torch.rand(2, 3, generator=G)
OLD = LOGP + 0.1 * torch.randn(2, 3, generator=G)
ADVANTAGES = torch.tensor([1.0, -1.0])


def dirty(x: torch.Tensor, junk: float) -> torch.Tensor:
    """The same with junk where the mask is False."""
    return torch.where(MASK, x, junk)


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("count", COUNTS)
def test_grpo_s_loss_and_slope_are_those_without_the_junk(junk, count):
    def loss_and_slope(old, reference):
        logp = LOGP.clone().requires_grad_()
        loss = grpo_loss(logp, old, ADVANTAGES, MASK, count=count, reference=reference, beta=0.1)
        return loss, torch.autograd.grad(loss, logp)[0]

    for got, want in zip(loss_and_slope(dirty(OLD, junk), dirty(LOGP, junk)), loss_and_slope(OLD, LOGP)):
        assert torch.equal(got, want)


@pytest.mark.parametrize("junk", JUNK)
def test_ppo_s_pieces_are_those_without_the_junk(junk):
    wide = ADVANTAGES[:, None].expand(2, 3)
    for piece in (
        lambda x: policy_loss(LOGP, x(OLD), x(wide), MASK, 0.2)[0],
        lambda x: value_loss(LOGP, OLD, x(OLD), MASK, 0.2),
        lambda x: masked_mean(x(LOGP), MASK),
        lambda x: whiten(x(LOGP), MASK),
        lambda x: token_rewards(ADVANTAGES, x(LOGP), MASK, 0.1),
        lambda x: gae(x(LOGP), LOGP, MASK, 1.0, 0.95)[0],
        lambda x: gae(LOGP, x(LOGP), MASK, 1.0, 0.95)[1],
    ):
        assert torch.equal(piece(lambda x: dirty(x, junk)), piece(lambda x: x))


@pytest.mark.parametrize("junk", JUNK)
def test_logits_of_positions_that_do_not_count_reach_no_cringe_loss(junk):
    def loss_and_slope(fill):
        logits = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(1))
        logits = torch.where(MASK[..., None], logits, fill).requires_grad_()
        tokens, good = torch.zeros(2, 3, dtype=torch.long), torch.tensor([True, False])
        loss = cringe_loss(logits, tokens, good, MASK, torch.Generator().manual_seed(0))
        return loss, torch.autograd.grad(loss.sum(), logits)[0]

    for got, want in zip(loss_and_slope(junk), loss_and_slope(0.0)):
        assert torch.equal(got, want)


def test_an_impossible_answer_counts_in_rrhf_only_where_it_is_ahead():
    scores, rewards = torch.tensor([[-1.0, float("-inf")]]), torch.tensor([[1.0, 0.0]])
    assert rrhf_loss(scores, rewards).item() == 1.0


@pytest.mark.parametrize("count", COUNTS)
def test_a_batch_without_a_token_is_told(count):
    with pytest.raises(ValueError, match=r"no token of the batch counts: the mask, of shape \(2, 3\)"):
        grpo_loss(LOGP, LOGP, ADVANTAGES, NONE, count=count)


def test_no_mean_is_taken_over_nothing():
    for mean in (
        lambda: masked_mean(LOGP, NONE),
        lambda: whiten(LOGP, NONE),
        lambda: policy_loss(LOGP, LOGP, LOGP, NONE, 0.2),
        lambda: value_loss(LOGP, LOGP, LOGP, NONE, 0.2),
    ):
        with pytest.raises(ValueError, match="no token of the batch counts"):
            mean()


def test_a_text_without_tokens_beside_others_adds_nothing():
    one = torch.tensor([[True, True, False], [False, False, False]])
    assert grpo_loss(LOGP, LOGP, ADVANTAGES, one).item() == pytest.approx(-0.5)  # its half of the mean is 0
    rewards = token_rewards(torch.tensor([10.0, 1.0]), torch.zeros(2, 3), one.flip(0), 0.1)
    assert rewards.tolist() == [[0, 0, 0], [0, 1, 0]], "the score of a text without tokens stands nowhere"


def test_a_mask_may_be_integers_and_may_not_be_weights():
    assert masked_mean(LOGP, MASK.long()) == masked_mean(LOGP, MASK)
    assert policy_loss(LOGP, OLD, LOGP, MASK.int(), 0.2)[0] == policy_loss(LOGP, OLD, LOGP, MASK, 0.2)[0]
    with pytest.raises(TypeError, match="float32: give booleans"):
        as_mask(MASK.float())


def test_rows_are_filled_up_on_either_side():
    left, right = pad_left([[5, 6, 7], [8]], fill=9), pad_right([[5, 6, 7], [8]])
    assert left.tokens.tolist() == [[5, 6, 7], [9, 9, 8]] and left.mask.tolist() == [[1, 1, 1], [0, 0, 1]]
    assert left.positions.tolist() == [[0, 1, 2], [0, 0, 0]] == left_positions(left.mask.bool()).tolist()
    assert right.tokens.tolist() == [[5, 6, 7], [8, 0, 0]] and right.mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert right.positions.tolist() == [[0, 1, 2]] * 2


def test_masked_has_no_slope_where_the_mask_is_false():
    y = torch.zeros(2, 3).requires_grad_()
    masked(y * 2, MASK).sum().backward()
    assert torch.equal(y.grad, 2.0 * MASK)
