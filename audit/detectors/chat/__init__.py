"""`kind = "chat"`: a language model that is asked row by row. Nothing that it says is repeated."""

from audit.detectors.chat.detector import ChatDetector

__all__ = ["ChatDetector"]
