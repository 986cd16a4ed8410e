"""Which digit a small scan shows: an archive of image files, of which a request scores hundreds.

data          writes 1,797 real scans as PNG files, loose, in a tar and in a zip, and some broken ones beside
contract.yaml says what is an image here, and what the model answers
train         trains a small model on half of the scans, and writes it as ONNX
run           does all of it and scores the archive with `batchscore`
accuracy      compares the published scores with what the scans show
"""
