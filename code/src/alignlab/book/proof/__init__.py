"""Proof: whether stored outputs are what runs give, and whether claims fail without their methods."""
