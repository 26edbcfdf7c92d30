"""Erasure of customers."""
