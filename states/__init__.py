"""The programme's rules as data and pure functions: no input, no output, nothing of ours below."""
