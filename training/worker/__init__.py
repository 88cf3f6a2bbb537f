"""The training worker: `python -m training.worker CONFIG.json`. Reached as a process of its own;
nothing imports it, since it needs torch."""
