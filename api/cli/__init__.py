"""The command line `pilot`: the same use cases as the API, for the machine the service runs on."""

from api.cli.application import main

__all__ = ["main"]
