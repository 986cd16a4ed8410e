"""Runs in the report container: reconciles a run, measures it, draws it and publishes it."""
