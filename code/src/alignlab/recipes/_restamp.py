"""Records with a stamp of the earlier rule, a hash over functions that were listed by hand.

They get a new one where the old still holds. Once no branch has such a record, this module can go.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
from typing import Any

from alignlab.fingerprint import Sources
from alignlab.recipes import _recipe, _records, _running
from alignlab.recipes._recipe import RecipeError
from alignlab.recipes._records import Record

LISTED = {
    "causal-tracing": (
        "recipes.causal_tracing.run_seed",
        "interp.tracing.causal_trace",
        "interp.tracing.by_role",
        "interp.facts.known_facts",
    ),
    "dictionary": (
        "recipes.dictionary.run",
        "interp.dictionary.train_dictionary",
        "interp.dictionary.unexplained",
        "interp.dictionary.Dictionary",
        "interp.dictionary.above",
        "interp.features.losses",
        "interp.features.principal",
        "interp.features.layer_activations",
        "interp.features.windows",
        "interp.features.top_examples",
    ),
    "edits-by-layer": (
        "recipes.edits_by_layer.run_seed",
        "interp.editing.rank_one_edits",
        "interp.editing.edit_scores",
        "interp.editing.second_moments",
        "interp.tracing.causal_trace",
        "interp.facts.known_facts",
        "recipes.edits_by_layer.requests",
        "recipes.edits_by_layer.nats",
        "recipes.edits_by_layer.surprise",
        "recipes.edits_by_layer.one_by_one",
    ),
    "frontier": (
        "recipes.frontier.run_seed",
        "outer.frontier.fit_pairs",
        "outer.frontier.fit_cringe",
        "outer.frontier.fit_raft",
        "outer.frontier.methods",
        "outer.frontier.outcome",
        "outer.frontier.story_logprobs",
        "outer.overoptimization.best_of_n",
        "outer.direct.dpo_loss",
        "outer.direct.ipo_loss",
        "outer.direct.hinge_loss",
        "outer.direct.kto_loss",
        "outer.direct.slic_loss",
        "outer.direct.simpo_loss",
        "outer.direct.orpo_loss",
        "outer.direct.log_ratio_margin",
        "outer.direct.mismatched_kl",
        "outer.direct.per_token",
        "outer.ranked.rrhf_loss",
        "outer.ranked.pro_loss",
        "outer.ranked.cringe_loss",
        "outer.ranked.best_of",
        "outer.storyland.task",
        "outer.storyland.Task",
        "outer.storyland.sample",
        "outer.storyland.logprobs",
        "outer.storyland.kl_to",
        "outer.storyland.reward_model",
    ),
    "induction": (
        "recipes.induction.run_seed",
        "interp.induction.train_induction",
        "interp.induction.repeating",
        "interp.induction.split_losses",
        "interp.heads.prefix_matching",
        "interp.heads.previous_token",
        "interp.circuits.ov_circuit",
        "interp.circuits.qk_circuit",
        "interp.circuits.written",
    ),
    "knowledge-neurons": (
        "recipes.knowledge_neurons.run_seed",
        "interp.neurons.attributions",
        "interp.neurons.random_neurons",
        "interp.neurons.scaled_neurons",
        "interp.neurons.shared_neurons",
        "interp.neurons.top_neurons",
        "interp.facts.known_facts",
        "recipes.knowledge_neurons.suppressed",
    ),
    "real-pairs": (
        "recipes.real_pairs.run_seed",
        "recipes.real_pairs.real_features",
        "outer.reward.fit_reward",
        "outer.reward.agreement",
        "outer.reward.answer_features",
        "outer.preferences.shuffle",
    ),
    "refusal-direction": (
        "recipes.refusal_direction.run",
        "recipes.refusal_direction.switches",
        "recipes.refusal_direction.by_layer",
        "interp.refusal.ablated",
        "interp.refusal.held",
        "interp.refusal.answer_starts",
        "interp.refusal.declining",
        "interp.refusal.refusal_direction",
        "outer.safety_data.matched_requests",
        "evals.refusal_judge.judged_refusals",
    ),
    "safer": (
        "recipes.safer.run",
        "recipes.safer.measure",
        "recipes.safer.reply",
        "outer.safety_data.train_requests",
        "outer.safety_data.test_requests",
        "outer.safer.own_answers",
        "outer.safer.plain_texts",
        "outer.safer.Anchor",
        "outer.safer.anchor",
        "outer.safer.final_states",
        "outer.safer.duels",
        "outer.safer.stages",
        "outer.safer.with_adapter",
        "outer.safer.warm_up",
        "outer.safer.prefer",
        "outer.safer.reference_sums",
        "outer.cached.run_lower",
        "outer.cached.run_upper",
        "outer.cached.answer_logprobs",
        "outer.cached.answer_sums",
        "outer.direct.dpo_loss",
        "evals.refusal_judge.judged_refusals",
    ),
    "safer-search": (
        "recipes.safer_search.run",
        "recipes.safer_search.variant",
        "recipes.safer_search.measure",
        "outer.safety_data.train_requests",
        "outer.safer.own_answers",
        "outer.safer.plain_texts",
        "outer.safer.stages",
        "outer.safer.warm_up",
        "outer.safer.prefer",
        "evals.refusal_judge.judged_refusals",
    ),
    "suffix-search": (
        "recipes.suffix_search.run_seed",
        "attacks.suffix.search",
        "attacks.suffix.swap",
        "attacks.suffix.gradient_words",
        "attacks.suffix.random_words",
        "attacks.prefix.ChatVictim",
        "attacks.prefix.start_suffix",
        "attacks.prefix.typed_words",
    ),
}


def restamp(name: str) -> Record:
    """Give a record the hash of what its recipe reaches, where by the earlier rule its code is still the same.

    A record that is current already stays as it is. Raises RecipeError where its code or settings have changed.
    """
    record, recipe = _records.record(name), _recipe.lookup(name)
    if record.complaint() is None:
        return record
    if record.config != _records.plain(recipe.config):
        raise RecipeError(str(record.complaint()))
    if record.code_hash != listed_hash(name):
        raise RecipeError(
            f"the record of {name!r} can't be stamped anew: its code has changed since; "
            f"run `alignlab recipe run {name}`"
        )
    made = dataclasses.replace(record, code_hash=recipe.code_hash())
    _running._atomically(
        _records.record_path(name), _records.to_text(made).encode()
    )
    return made


def listed_hash(name: str) -> str | None:
    """The earlier rule's hash by the code as it is now; None where it never had one, or a listed function is gone."""
    sources, parts = Sources(_recipe.PACKAGE), {}
    for listed in LISTED.get(name, ()):
        module, _, function = f"alignlab.{listed}".rpartition(".")
        homes = [module] if sources.ours(module) else sources.below("alignlab.")
        found = [
            node
            for home in homes
            for node in sources.module(home).defined.get(function, [])
        ]
        if len(found) != 1:
            return None
        tree = ast.Module(body=found, type_ignores=[])
        parts[f"{module}.{function}"] = _syntax(tree)
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16] if parts else None


def _syntax(node: Any) -> Any:
    """A syntax tree as nested lists, without docstrings and places, the same in every version of Python."""
    if isinstance(node, list):
        return [_syntax(part) for part in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {}
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(
            node,
            ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module,
        ):
            value = (
                value[1:]
                if ast.get_docstring(node, clean=False) is not None
                else value
            )
        if value is None or value == [] or name in ("kind", "type_comment"):
            continue
        fields[name] = _syntax(value)
    return [type(node).__name__, fields]
