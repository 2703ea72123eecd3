"""Shapes of answers, for the API's description; answers are written as they are, and tests hold them against these."""
