"""One folder a use case: its dataset contract, how its model was made, and one command."""
