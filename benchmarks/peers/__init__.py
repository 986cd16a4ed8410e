"""Programs that score a CSV without this project, each as its tool's documentation would have one write it.

    python -m benchmarks.peers.NAME customers.csv model.ubj contract.yaml scores.csv

Every one encodes by the contract, predicts with XGBoost on all cores, and writes id and score as CSV: one
file, or a folder of part files where its tool writes nothing else. None says what is wrong with a record.
"""
