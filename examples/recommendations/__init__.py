"""The ten films for every user: MovieLens, 100,004 real ratings by 671 users of 9,066 films.

data          fetches the ratings, holds back each user's last one, and writes a record for every user
train         factors who rated what into tastes of users and films, and writes the films' as an ONNX model
contract.yaml says what a user's record looks like
contract      adds to it what follows from the data and the options: tastes, films, how many to keep
run           does all of it and scores the users with `batchscore`
"""
