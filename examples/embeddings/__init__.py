"""Which reviews are alike: texts become vectors, which can be searched, grouped and learned from.

data          fetches the reviews, splits them, adds a few that no model can read
contract.yaml says what a review looks like and what the model answers
model         writes the sentence encoder all-MiniLM-L6-v2 as an ONNX graph
run           does all of it and turns the reviews into vectors with `batchscore`
search        finds the reviews that are nearest to a text, in what was published
quality       how well the vectors of some reviews tell the opinion of others
"""
