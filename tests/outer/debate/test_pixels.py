"""Debates over pixels, held against search by hand on small judges."""

import pytest
import torch
from alignlab.outer.debate import pixels, protocols
from alignlab.outer.debate.judge import Judges, digits, opinion, some_pixels, train_judges
from alignlab.outer.debate.pixels import HONEST, LIAR, Case, best_pixel, play


def judge(units=5):
    rng = torch.Generator().manual_seed(3)
    shapes = ((1, 64, units), (1, 64, units), (1, 1, units), (1, units, 10), (1, 1, 10))
    return Judges(*(torch.randn(shape, generator=rng) for shape in shapes))


def images(count=6, nonzero=5):
    rng = torch.Generator().manual_seed(4)
    full = torch.rand(count, 64, generator=rng) + 0.1
    return full * some_pixels(full, torch.full((count,), nonzero), rng)


def by_hand(case, one, turns):
    """The margin of perfect players, by trying all orders of pixels."""
    free = case.images[one].nonzero()[:, 0].tolist()

    def value(shown, rest):
        if not rest:
            mask = torch.zeros_like(case.images)
            mask[one, list(shown)] = 1.0
            return case.judged(mask)[one].item()
        found = [value((*shown, p), rest[1:]) for p in free if p not in shown]
        return max(found) if rest[0] == HONEST else min(found)

    return value((), list(turns))


LABELS = torch.arange(6)


@pytest.mark.parametrize("lie", [LABELS + 1, None])
@pytest.mark.parametrize("turns", [(LIAR, HONEST), (HONEST, LIAR)])
def test_two_moves_are_played_perfectly(lie, turns):
    case = Case(judge(), images(), LABELS, lie)
    margins, moves = play(case, turns, ahead=2)
    wanted = [by_hand(case, one, turns) for one in range(6)]
    assert margins.tolist() == pytest.approx(wanted, abs=1e-4)
    assert (moves[:, 0] != moves[:, 1]).all()
    assert (case.images.gather(1, moves) > 0).all()


def test_who_looks_one_move_ahead_takes_the_best_now():
    case = Case(judge(), images(), LABELS, LABELS + 1)
    margins, _ = play(case, (LIAR,))
    assert margins.tolist() == pytest.approx([by_hand(case, one, (LIAR,)) for one in range(6)], abs=1e-4)


def test_announcing_never_helps_a_perfect_liar():
    truth = torch.zeros(9, dtype=torch.long)
    image = images(1).repeat(9, 1)
    announced = play(Case(judge(), image, truth, torch.arange(1, 10)), (LIAR, HONEST), 2)[0].min()
    free = play(Case(judge(), image[:1], truth[:1], None), (LIAR, HONEST), 2)[0][0]
    assert free <= announced + 1e-5


def test_an_adapted_lie_is_the_best_wrong_label():
    seen, one = images(), judge()
    shown = (seen > 0).float()
    logits = opinion(one, seen, shown)[0]
    others = [max(v for label, v in enumerate(row.tolist()) if label != i) for i, row in enumerate(logits)]
    wanted = [logits[i, i].item() - others[i] for i in range(6)]
    assert Case(one, seen, LABELS, None).judged(shown).tolist() == pytest.approx(wanted, abs=1e-4)


def test_a_player_without_pixels_passes():
    case = Case(judge(), images(nonzero=2), LABELS, LABELS + 1)
    _, moves = play(case, (LIAR, HONEST, LIAR, HONEST))
    assert (moves[:, :2] >= 0).all() and (moves[:, 2:] == -1).all()


def test_who_tries_one_pixel_shows_the_one_drawn():
    case = Case(judge(), images(), LABELS, LABELS + 1)
    few = play(case, (HONEST,), examines={HONEST: 1}, seed=1)[0]
    other = play(case, (HONEST,), examines={HONEST: 1}, seed=2)[0]
    best = play(case, (HONEST,))[0]
    assert (few <= best).all() and (few < best).any() and (few != other).any()


def test_the_honest_player_may_be_deaf():
    case = Case(judge(), images(), LABELS, LABELS + 1)
    deaf = Case(judge(), images(), LABELS, None)
    alone = play(deaf, (HONEST,))[1]
    assert torch.equal(play(case, (HONEST,), deaf=deaf)[1], alone)
    hearing = play(case, (HONEST,), deaf=deaf, who=LIAR)[1]
    assert torch.equal(hearing, play(case, (HONEST,))[1])


def test_confidence_tells_nothing_all_or_the_opposite():
    told = protocols.told_by_confidence
    assert told(torch.tensor([3.0, 2.0, -1.0, -0.5])) == 1.0
    assert told(torch.tensor([0.5, 0.2, -1.0, -3.0])) == 0.0
    assert told(torch.tensor([1.0, -1.0])) == 0.5
    assert told(torch.tensor([1.0, 2.0])) != told(torch.tensor([1.0, 2.0]))  # NaN


def test_a_deaf_expert_shows_the_same_pixels_against_each_lie():
    free = protocols.cases(judge(), 0, images=3, announced=False)
    told = protocols.cases(judge(), 0, images=3)
    least = protocols.neutral(told, 4, deaf=True).reshape(3, 9).amin(1)
    assert least.tolist() == pytest.approx(protocols.neutral(free, 4).tolist(), abs=1e-4)


def test_random_pixels_are_nonzero_and_as_many_as_asked():
    seen = images(nonzero=5)
    for count, found in ((0, 0), (3, 3), (9, 5)):
        mask = some_pixels(seen, torch.full((6,), count), torch.Generator().manual_seed(0))
        assert (mask.sum(1) == found).all() and (mask[seen == 0] == 0).all()


def test_shares_count_what_they_say():
    margins = torch.ones(18)
    margins[4] = -0.5
    assert protocols.two_way(margins) == pytest.approx(17 / 18)
    assert protocols.all_nine(margins) == 0.5


def test_cases_are_nine_lies_an_image_and_never_the_truth():
    case = protocols.cases(judge(), 0, images=4)
    assert len(case) == 36 and (case.lie != case.honest).all()
    assert [len(set(part.tolist())) for part in case.lie.split(9)] == [9] * 4
    assert torch.equal(case.images[9], digits(0).new_images[1])


def test_consultants_and_experts_get_as_many_pixels():
    case = protocols.cases(judge(), 0, images=3)
    both = protocols.consult(case, 2)
    assert torch.equal(both[:27], play(case, (HONEST, HONEST))[0])
    assert torch.equal(both[27:], play(case, (LIAR, LIAR))[0])
    high, low = play(case, (HONEST,))[0], play(case, (LIAR,))[0]
    surest = torch.where(high.abs() > low.abs(), high, low)
    assert protocols.neutral(case, 1, impress=True).tolist() == pytest.approx(surest.tolist(), abs=1e-4)
    start = case.judged(torch.zeros_like(case.images))
    moved = torch.where((high - start).abs() > (low - start).abs(), high, low)
    assert protocols.neutral(case, 1).tolist() == pytest.approx(moved.tolist(), abs=1e-4)


def test_a_neutral_expert_does_not_know_the_truth():
    case = protocols.cases(judge(), 0, images=3)
    turned = Case(judge(), case.images, case.lie, case.honest)
    for impress in (False, True):
        there, back = (protocols.neutral(c, 4, impress) for c in (case, turned))
        assert there.tolist() == pytest.approx((-back).tolist(), abs=1e-4)
    free = protocols.cases(judge(), 0, images=3, announced=False)
    other = Case(judge(), free.images, (free.honest + 1) % 10, None)
    for one, two in zip(protocols.neutral(free, 4), protocols.neutral(other, 4), strict=True):
        assert one <= 0 or two <= 0  # the same pixels can't favor two labels


def test_the_batch_of_judges_is_trained_seed_by_seed():
    both, second = train_judges((5, 6), steps=3), train_judges((6,), steps=3)
    for a, b in zip(both.one(1), second, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_what_cannot_be_played_is_said():
    good = images()
    with pytest.raises(ValueError, match="true label"):
        Case(judge(), good, LABELS, LABELS)
    with pytest.raises(ValueError, match="NaN"):
        Case(judge(), good * torch.nan, LABELS, None)
    case = Case(judge(), good, LABELS, None)
    with pytest.raises(ValueError, match="1 or 2 moves"):
        play(case, (HONEST,), ahead=3)
    with pytest.raises(ValueError, match="even number"):
        protocols.debate(case, 3)
    with pytest.raises(ValueError, match="to debate"):
        protocols.cases(judge(), 0, images=401)
    with pytest.raises(ValueError, match="mask"):
        opinion(judge(), good, good[:, :3])
    index, none = torch.arange(6), torch.zeros(6, 64, dtype=torch.bool)
    pixel = best_pixel(case, index, case.hidden(good * 0), good > 0, none, HONEST, 1)
    assert (pixel == -1).all() and pixels.HONEST == -pixels.LIAR
