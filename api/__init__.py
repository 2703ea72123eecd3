"""The outside world: HTTP and the command line."""
