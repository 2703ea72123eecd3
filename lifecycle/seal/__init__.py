"""The seal of the audit log: its Merkle tree, the signed heads, the sealer, and what outsiders check it by."""
