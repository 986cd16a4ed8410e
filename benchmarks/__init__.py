"""The measuring programs and, in `results/`, what they have measured."""
