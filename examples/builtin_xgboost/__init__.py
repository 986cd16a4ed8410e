"""The churn model in AWS's built-in XGBoost container: the same pipeline around an image that is not ours.

image  says where AWS keeps that image, by region
model  writes the churn model as every version of XGBoost reads it
run    makes all that is needed and scores the customer base with `batchscore`

Customers, contract and training are those of `examples.churn`.
"""
