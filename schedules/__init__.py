"""Time and delivery: what runs when, who is told."""
