"""A page's real-model part on another model: one line at its top, and the page runs through."""

import re

import nbformat
import pytest
from alignlab.assets import fetch
from alignlab.book.files import pages
from nbclient import NotebookClient
from support import ROOT

LINE = re.compile(r'^MODEL = "smollm2-135m-instruct"  # @param .*$', re.M)


def model_pages():
    """Pages that say at their top which model they load."""
    return [slug for slug in pages.slugs(ROOT) if LINE.search(pages.text_path(ROOT, slug).read_text())]


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A second small model: random weights in SmolLM2's shape, an eighth as wide, with its tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("models") / "other"
    tokenizer = AutoTokenizer.from_pretrained(fetch("smollm2-135m-instruct"))
    torch.manual_seed(0)
    shape = {"num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3}
    sizes = {"hidden_size": 72, "intermediate_size": 192, "vocab_size": len(tokenizer)}
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    LlamaForCausalLM(LlamaConfig(**shape, **sizes, **ids)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_every_page_that_loads_the_released_model_lets_the_reader_change_it():
    for slug in pages.slugs(ROOT):
        text = pages.text_path(ROOT, slug).read_text()
        if "lm = load_lm(" in text:
            assert slug in model_pages() and "load_lm(MODEL" in text, slug


def test_a_page_runs_on_another_model_and_claims_nothing_of_it(other):
    notebook = pages.from_text(pages.text_path(ROOT, "04-outer/goals"))
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source, changed = LINE.subn(f"MODEL = {str(other)!r}", first.source)
    assert changed == 1
    notebook.cells.append(nbformat.v4.new_code_cell("print(lm.name, lm.d_model)"))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "chapters/04-outer")}}).execute()
    assert notebook.cells[-1].outputs[0].text == f"{other} 72\n"
    said = "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", ()))
    assert f"This claim is about the book's model, and does not hold on {other}." in said
