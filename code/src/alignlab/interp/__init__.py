"""Looking inside (section 6): probes, erasure and steering of what activations encode."""
