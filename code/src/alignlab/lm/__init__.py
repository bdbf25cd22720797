"""Language models: load, chat, score, generate, look inside, train.

The bottom room of the package: the survey's rooms build on it, it knows nothing of them. Its public names:

- `load_lm`, `LM`, `encode`: a causal language model with its tokenizer (`load`);
- `chat`, `chat_prompt`, `generate`, `next_token_probs`: text out of a model (`generation`);
- `logprobs`, `token_logprobs`, `perplexity`: how likely a model finds a text (`scoring`);
- `capture`, `patch`: read and change activations by name (`hooks`);
- `TinyConfig`, `TinyTransformer`: a transformer that fits one screen (`tiny`);
- `train`, `one_thread`: a training loop, and arithmetic that repeats (`training`).

Importing this imports torch; transformers is imported when a model is loaded.
"""

from alignlab.lm.generation import chat, chat_prompt, generate, next_token_probs
from alignlab.lm.hooks import capture, patch
from alignlab.lm.load import LM, encode, load_lm
from alignlab.lm.scoring import logprobs, perplexity, token_logprobs
from alignlab.lm.tiny import TinyConfig, TinyTransformer
from alignlab.lm.training import one_thread, train

__all__ = [
    "LM",
    "TinyConfig",
    "TinyTransformer",
    "capture",
    "chat",
    "chat_prompt",
    "encode",
    "generate",
    "load_lm",
    "logprobs",
    "next_token_probs",
    "one_thread",
    "patch",
    "perplexity",
    "token_logprobs",
    "train",
]
