"""Papers 公文: Word documents made from a position in the log, the same bytes for the same position."""
