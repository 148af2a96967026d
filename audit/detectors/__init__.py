"""The models under audit: one protocol, one file per kind, found by entry point.

To audit a kind of detector that is not here, write a class that follows `audit.detectors.protocol.Detector` and
register it in the entry-point group `audit.detectors` of your own package. `audit.detectors.registry` imports only the
kind that a plan names.
"""
