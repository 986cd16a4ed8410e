"""Executes a compiled pipeline definition on this machine.

It knows the definition's JSON and the contracts of the container wall, and nothing of the modules that
compiled the one or of the code behind the other: jobs are processes started with the argv, environment and
folders that the definition asks for. How the services behave is emulated as documented; a step or an option
that is not emulated is refused by name, never skipped.
"""
