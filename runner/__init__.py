"""The doors: the command line, the laptop, and AWS.

The only room that talks to a person, and the only one that may import boto3. It compiles definitions by way
of `pipelines`, executes them by way of `emulator`, and starts container code as processes, never by import.
"""
