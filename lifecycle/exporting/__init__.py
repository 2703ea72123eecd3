"""The log taken away as tables and as event logs for process mining, streamed whatever its length."""
