"""Which of a day's flights will arrive late, scored every day: seven replayed, with a fault from day five on.

data          fetches the flights of 2013, and makes the delivery of each day
contract.yaml says what a flight's record looks like and what the model reads of it
train         trains a small XGBoost model on the flights from January to June
run           does all of it and runs the pipelines once for each day
settings.yaml is the deployment that does the same in AWS at 06:00 UTC
"""
