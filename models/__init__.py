"""Models, and the portable format that computes all predictions.

`encoding` builds the matrix, `tree_ensemble` scores it, `tree_shap` explains the scores,
`calibration` converts a raw score to a probability, and `portable` stores all of them as JSON text.
"""
