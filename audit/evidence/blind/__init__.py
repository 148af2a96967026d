"""Blind audits: a regulator audits a model that it never gets, with labels that it never gives."""
