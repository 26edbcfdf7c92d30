"""Files of the simulated company."""
