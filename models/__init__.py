"""What Holdfast learns, and the one portable form in which every prediction is made.

`encoding` makes the matrix, `tree_ensemble` scores it, `tree_shap` explains it, `calibration` turns
a raw score into a probability, `portable` holds them together as JSON text.
"""
