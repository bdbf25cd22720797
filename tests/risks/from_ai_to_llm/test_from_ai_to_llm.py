"""Two readings of one model, students, and the survey's list, against what is known without them."""

import math

import numpy as np
import pytest
import torch
from alignlab.book.files import references
from alignlab.lm import LM
from alignlab.lm.low_rank import with_adapter
from alignlab.risks.from_ai_to_llm import conversations, distilling, favorites, reading, works
from alignlab.risks.from_ai_to_llm.recipe_distilled_prompt import shuffled
from support import ROOT

READS = ("code/", "references/")


class Letters:
    """A tokenizer of single letters; "." ends a text."""

    bos_token = None
    eos_token_id = 1

    def __call__(self, text, **_):
        return {"input_ids": [ord(letter) % 60 for letter in text]}

    def decode(self, ids, **_):
        return "".join("\n" if i == 7 else chr(i + 60) for i in ids)


@pytest.fixture(scope="module")
def small() -> LM:
    """A Llama with random weights: four layers, 16 numbers wide, 60 tokens."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 4, "vocab_size": 60}
    model = LlamaForCausalLM(LlamaConfig(**shape, num_attention_heads=2, tie_word_embeddings=False))
    for parameter in model.parameters():
        parameter.data.mul_(8)
    model.eval().requires_grad_(False)
    return LM(model, Letters(), "small", torch.device("cpu"), 4, 16)


def likeliest(lm: LM, text: str, length: int) -> tuple[list[int], torch.Tensor]:
    """The same by hand: the whole text run again for each token, logits kept."""
    ids, kept = lm.tokenizer(text)["input_ids"], []
    for _ in range(length):
        kept.append(lm.model(torch.tensor([ids])).logits[0, -1])
        ids = [*ids, int(kept[-1].argmax())]
    return ids[-length:], torch.stack(kept)


# --- conversations


def test_the_prompt_shows_nine_exchanges_and_the_exchanged_one_the_same_answers_elsewhere():
    pairs = conversations.every()
    assert len(pairs) == len(set(pairs)) == 9
    moved = conversations.exchanged(pairs)
    assert sorted(a for _, a in moved) == sorted(a for _, a in pairs)
    assert all(q == p and a != b for (q, a), (p, b) in zip(moved, pairs))
    assert len(conversations.conversation(moved)) == len(conversations.conversation(pairs))
    with pytest.raises(ValueError, match="give two"):
        conversations.exchanged(pairs[:1])


def test_no_question_is_both_learned_and_examined():
    assert not {*conversations.ASKING_THE_NAME} & {*conversations.ASKING_IT_OTHERWISE}


# --- readings


def test_answers_are_those_of_one_text_after_another(small):
    texts = ["what?", "a longer question", "x"]
    for context in ("", "before that "):
        given = reading.answers(small, context, texts, 5)
        for row, text in enumerate(texts):
            tokens, logits = likeliest(small, context + text, 5)
            assert given.tokens[row].tolist() == tokens
            assert torch.allclose(given.states[row] @ small.model.lm_head.weight.T, logits, atol=1e-3)


def test_the_bare_model_reads_the_same_answers(small):
    texts = ["what?", "a longer question"]
    given = reading.answers(small, "before that ", texts, 4)
    states = reading.states_without(small, texts, given)
    for row, text in enumerate(texts):
        ids = small.tokenizer(text)["input_ids"] + given.tokens[row, :-1].tolist()
        logits = small.model(torch.tensor([ids])).logits[0, -4:]
        assert torch.allclose(states[row] @ small.model.lm_head.weight.T, logits, atol=1e-3)


def test_an_answer_counts_up_to_its_line_break(small):
    tokens = torch.tensor([[3, 7, 4, 7], [7, 3, 3, 3], [3, 4, 5, 1], [2, 2, 2, 2]])
    mask = reading.until_the_end(small, tokens)
    assert mask.tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]


def test_the_divergence_of_two_coins_is_the_formula():
    p, q = 0.8, 0.3
    found = reading.kl_by_token(torch.tensor([[p, 1 - p]]).log() + 5, torch.tensor([[q, 1 - q]]).log() - 2)
    assert found.item() == pytest.approx(p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q)), abs=1e-6)
    same = torch.randn(3, 4, 7)
    assert reading.kl_by_token(same, same + 1).abs().max() < 1e-6
    with pytest.raises(ValueError, match="same places"):
        reading.kl_by_token(same, same[:2])


def test_the_sum_over_tokens_is_the_divergence_of_whole_answers(small):
    """Two readings, answers of two tokens over five words: all 25 answers are listed."""
    width = 5
    head = small.model.lm_head.weight[:width]

    def logits(text: str, first: int | None) -> torch.Tensor:
        ids = small.tokenizer(text)["input_ids"] + ([] if first is None else [first])
        return small.model.model(torch.tensor([ids])).last_hidden_state[0, -1] @ head.T

    one, other = "before it a", "a"
    start = [logits(text, None) for text in (one, other)]
    chain = reading.kl_by_token(*start)
    whole = torch.tensor(0.0)
    for first in range(width):
        p, q = start[0].log_softmax(0)[first], start[1].log_softmax(0)[first]
        then = [logits(text, first) for text in (one, other)]
        chain = chain + p.exp() * reading.kl_by_token(*then)
        both = p + then[0].log_softmax(0)
        whole = whole + (both.exp() * (both - q - then[1].log_softmax(0))).sum()
    assert chain.item() == pytest.approx(whole.item(), abs=1e-4)


def test_a_profile_leaves_out_what_comes_after_the_end():
    kl = torch.tensor([[1.0, 5.0], [3.0, 700.0]])
    assert reading.profile(kl, torch.tensor([[1, 1], [1, 0]])).tolist() == [2.0, 5.0]


# --- students


@pytest.fixture(scope="module")
def lessons(small) -> distilling.Lessons:
    texts = ["what?", "a longer question", "x", "who is that", "why", "no"]
    given = reading.answers(small, "before that ", texts, 4)
    states = reading.states_without(small, texts, given)
    return distilling.in_question_order(states, given.mask, given.states)


def test_students_begin_as_the_bare_model(small, lessons):
    head = small.model.lm_head.weight
    words = torch.arange(60)
    bare = lessons.read @ head.T
    for student in (distilling.LowRank(head, 2, 0), distilling.WordShift(head), distilling.Student(head)):
        assert torch.allclose(student(lessons, words), bare, atol=1e-4)


def test_a_low_rank_student_scores_words_by_its_changed_states(small, lessons):
    student = distilling.LowRank(small.model.lm_head.weight, 2, 0)
    torch.nn.init.normal_(student.b)
    words = torch.tensor([3, 1, 5])
    for _ in range(2):  # the second time from what was kept of the first
        logits = student(lessons, words)
        assert torch.allclose(logits, student.states(lessons) @ student.unembedding[words].T, atol=1e-4)
    other = lessons[[1]]
    assert torch.allclose(student(other, words), student.states(other) @ student.unembedding[words].T, atol=1e-4)


def test_the_divergence_is_a_mean_over_tokens_that_count(small, lessons):
    student = distilling.Student(small.model.lm_head.weight)
    kl = reading.kl_by_token(lessons.teacher @ student.unembedding.T, lessons.read @ student.unembedding.T)
    by_hand = [kl[i, t] for i in range(6) for t in range(4) if lessons.mask[i, t]]
    assert distilling.divergence(student, lessons).item() == pytest.approx(float(np.mean(by_hand)), rel=1e-5)


def test_a_teacher_whose_words_are_shifted_is_learned_by_the_shift_exactly(small, lessons):
    head = small.model.lm_head.weight
    student = distilling.WordShift(head)
    wanted = torch.zeros(60)
    wanted[:3] = torch.tensor([1.0, -1.0, 0.5])
    goal = (lessons.read @ head.T + wanted).log_softmax(-1)
    optimizer = torch.optim.Adam(student.parameters(), lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        loss = reading.kl_by_token(goal, student(lessons, torch.arange(60))).mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-3


def test_the_gradient_is_student_minus_teacher():
    logits = torch.randn(7, requires_grad=True)
    teacher = torch.randn(7)
    reading.kl_by_token(teacher, logits).backward()
    assert torch.allclose(logits.grad, logits.softmax(0) - teacher.softmax(0), atol=1e-6)


def test_distilling_lessens_the_divergence_and_watches_every_step(small, lessons):
    seen = []
    student = distilling.LowRank(small.model.lm_head.weight, 4, 0)
    before = distilling.divergence(student, lessons).item()
    distilling.distill(student, lessons, 30, 0.02, 0, batch=4, watch=lambda step, _: seen.append(step))
    assert seen == list(range(31))
    assert distilling.divergence(student, lessons).item() < 0.7 * before


def test_unseen_questions_are_examined_once_and_tokens_count_alike(small, lessons):
    bare = distilling.Student(small.model.lm_head.weight)
    learner = distilling.LowRank(small.model.lm_head.weight, 4, 0)
    distilling.distill(learner, lessons, 30, 0.02, 0)
    halves = np.array_split(np.arange(len(lessons)), 2)
    assert favorites.gone_on_unseen([(bare, half) for half in halves], lessons) == pytest.approx(0, abs=1e-6)
    found = favorites.gone_on_unseen([(learner, half) for half in halves], lessons)
    with torch.no_grad():
        left = distilling.divergence(learner, lessons) / distilling.divergence(bare, lessons)
    assert found == pytest.approx(1 - float(left), abs=1e-5) and found > 0.3


def test_a_teacher_with_other_words_at_first_is_learned_place_by_place_only(small, lessons):
    """The teacher is the bare model but for its first token, where one direction is added to its state."""
    teacher = lessons.read.clone()
    teacher[:, 0] += 3 * small.model.lm_head.weight[5] / small.model.lm_head.weight[5].norm()
    other = distilling.in_question_order(lessons.read, torch.ones_like(lessons.mask), teacher)
    placed = favorites.PlaceShift(small.model.lm_head.weight, 1)
    distilling.distill(placed, other, 200, 0.1, 0)
    words = distilling.WordShift(small.model.lm_head.weight)
    distilling.distill(words, other, 200, 0.1, 0)
    rows = np.arange(len(other))
    assert favorites.gone_on_unseen([(placed, rows)], other) > 0.98
    assert favorites.gone_on_unseen([(words, rows)], other) < 0.7


def test_an_opening_has_places_and_fits_the_answers(small, lessons):
    with pytest.raises(ValueError, match="opening=0"):
        favorites.PlaceShift(small.model.lm_head.weight, 0)
    long = favorites.PlaceShift(small.model.lm_head.weight, lessons.mask.shape[1] + 1)
    with pytest.raises(ValueError, match="have no opening"):
        long(lessons, torch.arange(60))


def test_words_that_neither_finds_likely_are_left_out(small, lessons):
    student = distilling.Student(small.model.lm_head.weight)
    kept = distilling.likely_words(student, lessons, least=0.5)
    best = torch.stack([lessons.teacher, lessons.read]) @ student.unembedding.T
    likely = (best.softmax(-1) >= 0.5) & lessons.mask.bool()[..., None]
    assert kept.tolist() == likely.any(0).any(0).any(0).nonzero()[:, 0].tolist()


def test_upper_layers_give_what_the_whole_model_gives_and_an_adapter_moves_them(small, lessons):
    texts = ["what?", "a longer question", "x", "who is that", "why", "no"]
    given = reading.answers(small, "before that ", texts, 4)
    rows = distilling.lessons_of(small, texts, given, 2)
    student = distilling.UpperLayers(small, 2)
    assert torch.allclose(student.states(rows), lessons.read, atol=1e-3)
    before = distilling.divergence(student, rows).item()
    adapted = with_adapter(small, 2, 2, 0)
    learner = distilling.UpperLayers(adapted, 2)
    assert distilling.divergence(learner, rows).item() == pytest.approx(before, abs=1e-4)
    distilling.distill(learner, rows, 20, 0.01, 0)
    adapted.model.eval()
    after = distilling.divergence(learner, rows).item()
    assert after < 0.9 * before
    norms = {n: w.norm().item() for n, w in adapted.model.named_parameters() if "lora_" in n}
    shuffled(adapted, 0)
    mixed = {n: w.norm().item() for n, w in adapted.model.named_parameters() if "lora_" in n}
    assert mixed == pytest.approx(norms, rel=1e-5)
    assert distilling.divergence(learner, rows).item() > after


# --- the survey's list


def test_the_list_is_the_bibliographys():
    listed = [w for w in references.works(ROOT).values() if w.headings]
    ours = [tuple(work) for work in works.listed()]
    assert ours == [(w.key, w.people, int(w.year), w.title, w.headings) for w in listed]


def test_agreement_is_one_for_equal_groups_and_about_zero_for_unrelated_ones():
    rng = np.random.default_rng(0)
    one = rng.integers(6, size=400)
    assert works.agreement(one, (one + 2) % 6) == pytest.approx(1)
    assert abs(np.mean([works.agreement(one, rng.permutation(one)) for _ in range(20)])) < 0.02


def test_groups_find_what_is_far_apart():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 20)
    points = 10 * np.eye(3)[truth] + rng.normal(size=(60, 3))
    assert works.agreement(works.groups(points, 3, 0), truth) == pytest.approx(1)


def test_the_nearest_is_never_itself_and_shares_count_every_section_of_a_work():
    vectors = np.array([[1, 0], [0.98, 0.2], [0, 1], [0.1, 0.99]], dtype=float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert works.nearest(vectors).tolist() == [1, 0, 3, 2]
    list_of = [
        works.Listed("a", "A", 2000, "a", ("X / x",)),
        works.Listed("b", "B", 2000, "b", ("X", "Y")),
        works.Listed("c", "C", 2000, "c", ("Y",)),
        works.Listed("d", "D", 2000, "d", ("X", "X / y")),
    ]
    found = works.near_shares(list_of, vectors)
    assert found["X"] == (3, pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found["Y"] == (2, 0, pytest.approx(1 / 3))


def test_rare_words_weigh_more_than_common_ones():
    vectors = works.word_vectors(["toxic language models", "biased language models", "toxic comments"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors.shape[0] == 3 and (vectors >= 0).all()
