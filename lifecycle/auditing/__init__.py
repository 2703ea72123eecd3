"""The log as auditors read it: entries with filters, proofs, and reports whose every line leads back to its entries."""
