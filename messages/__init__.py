"""The words of an offer: a brief goes out, a draft comes back, a guard reads it, a template serves.

Claude writes and never chooses: offer, customer and day are settled before. What leaves the company
is a Brief; what comes back is text that is trusted in nothing. No Spark here.
"""
