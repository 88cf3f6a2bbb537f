"""`python -m training.evaluate`: base, adapters and baselines on the same data; see
training.evaluation.run."""

from training.evaluation.run import main

if __name__ == "__main__":
    raise SystemExit(main())
