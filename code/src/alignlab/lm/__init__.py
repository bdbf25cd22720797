"""Language models: load, chat, score, generate, hooks, the tiny transformer, a training loop."""
