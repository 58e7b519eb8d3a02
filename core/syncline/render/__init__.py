"""Specs as the files of another system, made from what they say. One target so far: Kubernetes."""
