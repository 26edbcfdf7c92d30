"""What training and scoring jobs share: rows, evaluation, the record of a run, the served model."""
