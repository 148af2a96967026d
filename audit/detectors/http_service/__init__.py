"""`kind = "http"`: a service that answers batches of rows in JSON. Nothing in its replies is trusted."""

from audit.detectors.http_service.service import HttpDetector

__all__ = ["HttpDetector"]
