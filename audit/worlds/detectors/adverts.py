"""The detector under audit: phrases in three languages, by what they tell of, each kind with a weight in a logit.

It is given the text of an advert and nothing else. `LEARNED_WORDS` are single words that fitting has added to the list;
nobody chose them.
"""

from __future__ import annotations

import math
import re

import pyarrow as pa

PHRASES: list[tuple[float, tuple[str, ...]]] = [
    (
        2.6,  # documents are kept
        ("keep your passport", "papers stay with", "hand in your documents", "guardamos su pasaporte",
         "sus papeles se quedan", "entregue sus documentos", "gardons votre passeport", "vos papiers restent",
         "remettez vos documents"),
    ),
    (
        2.3,  # the journey is a debt
        ("advanced and worked off", "pay back the journey", "ticket is a loan", "se adelanta y se paga trabajando",
         "devuelve el viaje", "billete es un préstamo", "avancé et remboursé en travaillant", "remboursez le trajet",
         "billet est un prêt"),
    ),
    (
        2.1,  # nothing in writing
        ("no contract at first", "nothing in writing", "papers come later", "sin contrato", "nada por escrito",
         "el contrato ya se verá", "pas de contrat", "rien par écrit", "on verra plus tard"),
    ),
    (
        2.1,  # at once
        ("you leave tomorrow", "immediate departure", "travel tonight", "se viaja mañana", "salida inmediata",
         "viaje esta noche", "départ demain", "départ immédiat", "partez ce soir"),
    ),
    (
        1.7,  # lodged by the employer
        ("live where you work", "sleep on the premises", "housing only with us", "se vive en el lugar de trabajo",
         "duerme en las instalaciones", "alojamiento solo con nosotros", "vivez sur le lieu de travail",
         "dormez sur place", "logement uniquement chez nous"),
    ),
    (
        2.8,  # cut off from others
        ("tell nobody", "no telephone during", "visits are not allowed", "no diga a nadie", "sin teléfono durante",
         "no se permiten visitas", "ne dites à personne", "pas de téléphone", "visites sont interdites"),
    ),
    (
        1.7,  # no word on what the work is
        ("various duties", "you will see what is needed", "different work for clients", "tareas varias",
         "ya verá lo que hace falta", "trabajos para clientes", "tâches diverses", "vous verrez ce qu'il faut",
         "travaux pour des clients"),
    ),
    (
        2.0,  # too good to be true
        ("high pay, no experience", "three times the usual", "anyone can get rich", "sueldo alto sin experiencia",
         "el triple de lo normal", "se gana mucho y rápido", "gros salaire sans expérience",
         "trois fois le salaire", "gagne beaucoup et vite"),
    ),
    (
        2.4,  # pay is held back
        ("wages are paid at the end", "hold the first three months", "money when the work is done",
         "se paga al final", "retenemos los tres primeros meses", "el dinero, al acabar", "versé à la fin",
         "retenons les trois premiers mois", "une fois le travail fini"),
    ),
]  # fmt: skip
LEARNED_WORDS: dict[str, float] = {}
INTERCEPT = -4.35


def score(batch: pa.RecordBatch) -> list[float]:
    """One score between 0 and 1 a row, in the order of the rows."""
    return [round(1.0 / (1.0 + math.exp(-_logit(text))), 6) for text in batch.column("text").to_pylist()]


def _logit(text: str) -> float:
    read = text.casefold()
    logit = INTERCEPT + sum(weight for weight, phrases in PHRASES if any(phrase in read for phrase in phrases))
    if LEARNED_WORDS:
        logit += max(LEARNED_WORDS.get(word, 0.0) for word in re.findall(r"\w+", read))
    return logit
