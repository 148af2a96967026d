"""Attacks on what leaves the house: releases, their words, bundles and the commands that write them."""
