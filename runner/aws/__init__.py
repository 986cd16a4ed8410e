"""The doors into AWS: upsert, start, watch, stop, resume and plan runs of the deployed pipelines.

The only room that imports boto3. Everything asked of AWS goes through a client of `runner.aws.session`, which
retries what is worth it; errors that it gives up on are worded by `runner.aws.errors`.
"""
