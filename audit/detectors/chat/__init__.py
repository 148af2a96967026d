"""`kind = "chat"`: a language model that is asked row by row. Its texts are never repeated."""

from audit.detectors.chat.detector import ChatDetector

__all__ = ["ChatDetector"]
