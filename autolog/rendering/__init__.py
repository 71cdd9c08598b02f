"""Runs as text for a terminal and as HTML for a notebook; all text from a store is untrusted."""
