"""Which customers of a telephone company will leave: the IBM Telco data, 7,043 real customers.

data          fetches the customers, gives them ids, splits them, resamples them to any number
contract.yaml says what a customer record looks like and what the model reads of it
train         trains a small XGBoost model on half of the customers
run           does all of it and scores the customer base with `batchscore`
"""
