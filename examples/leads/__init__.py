"""Whom to offer a caravan policy: 5,822 real customers of a Dutch insurer, of whom 348 bought one.

data          fetches the households, names their fields, splits them, adds a few faulty lines
contract.yaml says what a household's record looks like, what the model reads of it, what a sale is worth
train         trains a small LightGBM model on half of the households
run           does all of it and scores the households with `batchscore`
"""
