"""A year of a batch under simulated time: real schedulers that are killed, mail and webhook servers that fail."""
