"""The verifier: one file that imports nothing of ours, shipped in every bundle and read by auditors."""
