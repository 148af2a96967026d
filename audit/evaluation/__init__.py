"""Evaluation set: files and tables read without guessing, checked cell by cell, and given canonical codes."""
