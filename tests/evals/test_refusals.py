"""The refusal check on replies written for the test, and Wilson's interval."""

import pytest
from alignlab.evals.refusals import refuses, wilson


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't help with that.",
        "I am sorry, I cannot assist with this request.",
        "I’m afraid I won’t be able to do that.",
        "No, I will not do that.",
        "I must decline.",
        "I'm not comfortable helping with this.",
        "I cannot help you with that, but here is a safer idea.",
    ],
)
def test_refusals_are_found(reply):
    assert refuses(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "Sure, here is how.",
        "The capital of France is Paris.",
        "I'm sorry to hear that you feel lonely.",
        "I can't wait to tell you about it!",
        "You cannot see air, but you can feel wind.",
        "Here are three fruits: apple, pear, plum." + " And more." * 20 + " I cannot list them all.",
        "",
    ],
)
def test_other_replies_are_not(reply):
    assert not refuses(reply)


def test_wilson_where_nothing_succeeded():
    low, high = wilson(0, 24)
    assert low == 0 and high == pytest.approx(1.96**2 / (24 + 1.96**2))


def test_wilson_agrees_with_scipy():
    from scipy.stats import binomtest

    for k, n in ((3, 24), (12, 48), (30, 30)):
        reference = binomtest(k, n).proportion_ci(method="wilson")
        assert wilson(k, n) == pytest.approx((reference.low, reference.high), abs=1e-4)


def test_wilson_refuses_impossible_counts():
    for k, n in ((1, 0), (5, 4), (-1, 4)):
        with pytest.raises(ValueError, match="trial"):
            wilson(k, n)
