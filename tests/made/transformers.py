"""A tiny text classifier with random weights, made here and saved as a Hugging Face model is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "passport",
    "will",
    "be",
    "kept",
    "paid",
    "waiter",
    "wanted",
    "we",
    "##s",
]
LABELS = ["other", "labour", "sexual"]


def save_model(folder: Path, seed: int = 0, **config: Any) -> Any:
    """Write model and tokenizer into `folder`; returns the model."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(seed)
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=32)
    settings = BertConfig(
        **{
            "vocab_size": len(WORDS),
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 32,
            "id2label": dict(enumerate(LABELS)),
            "label2id": {label: place for place, label in enumerate(LABELS)},
            "initializer_range": 1.0,
            **config,
        }
    )
    model = BertForSequenceClassification(settings).eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


def looks_like_a_model(folder: Path) -> Path:
    """A folder with the files of a model, none of which could be loaded: for checks that come before."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"no weights")
    return folder
