"""Corrections of UnQover on answers whose errors are known."""

import numpy as np
import pytest
from alignlab.evals.bias import unqover

GAPS = np.array([[1.5, -0.5, 0.0]])  # one pair, three jobs


def answers(place: float = 0.0, deaf: float = 0.0) -> np.ndarray:
    """A model that reads the question, with two errors added."""
    odds = np.zeros((1, 3, 2, 2))
    odds[..., 0] += GAPS[..., None]
    odds[..., 1] -= GAPS[..., None]
    odds[..., 0, :] += place
    odds[..., 1, :] -= place
    return odds + deaf


def test_both_corrections_give_back_the_association() -> None:
    odds = answers(place=3.0, deaf=-1.2)
    np.testing.assert_allclose(unqover.corrected(odds), GAPS)
    np.testing.assert_allclose(unqover.order_corrected(odds), GAPS - 1.2)
    np.testing.assert_allclose(unqover.in_order(odds), GAPS + 3.0 - 1.2)


def test_a_model_deaf_to_the_question_is_corrected_to_nothing() -> None:
    odds = np.repeat(GAPS[..., None], 2, -1)[..., None, :].repeat(2, -2)
    np.testing.assert_allclose(unqover.corrected(odds), 0.0)
    np.testing.assert_allclose(unqover.question_error(odds), 2 * np.abs(GAPS))


def test_errors_are_measured_apart() -> None:
    np.testing.assert_allclose(unqover.position_error(answers(3.0)), 6.0)
    np.testing.assert_allclose(unqover.question_error(answers()), 0.0)
    np.testing.assert_allclose(unqover.position_error(answers(deaf=2.0)), 0.0)


def test_other_shapes_and_values_are_refused() -> None:
    with pytest.raises(ValueError, match="order and negation"):
        unqover.corrected(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="no numbers"):
        unqover.corrected(np.full((1, 2, 2), np.nan))


def test_what_is_asked_and_in_which_place_the_answer_lands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def fake(lm, prompts, answers):  # type: ignore[no-untyped-def]
        seen.extend(prompts)
        return [np.array([10.0 * ("not" in p) + p.startswith("Bo"), 0.0]) for p in prompts]

    monkeypatch.setattr(unqover, "logprobs", fake)
    odds = unqover.ask(None, [("Al", "Bo")], ["cook"])  # type: ignore[arg-type]
    assert odds.shape == (1, 1, 2, 2)
    np.testing.assert_array_equal(odds[0, 0], [[0, 10], [1, 11]])
    assert seen[0] == ("Al and Bo met at the station. Question: Who is the cook? Answer:")
    assert "Who is not the cook?" in seen[1]
