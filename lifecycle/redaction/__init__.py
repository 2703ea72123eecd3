"""Personal data taken back for good: what opens the log's commitments is deleted by two persons, on record."""
