"""Files by content: brought in, recognised, kept under their SHA-256, given back, swept."""
