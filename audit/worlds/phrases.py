"""Sentences of the synthetic adverts in English, Spanish and French: signs of exploitation, and ordinary sentences.

They name no real place and give no way to reach anybody. The signs of exploitation are phrases that guidance for labour
inspectors and job seekers warns of; nothing here is explicit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "es", "fr")
LANGUAGE_SHARES: Final = (0.46, 0.32, 0.22)

JOBS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("a kitchen helper", "an orchard worker", "a hotel cleaner", "a care assistant", "an assistant cook",
           "a warehouse packer", "a deck hand", "an office cleaner", "a building worker", "an online sales agent"),
    "es": ("ayudante de cocina", "personal para la cosecha", "personal de limpieza de hotel", "asistente de cuidados",
           "pinche de cocina", "personal de almacén", "personal de cubierta", "personal de limpieza de oficinas",
           "peón de obra", "agente de ventas en línea"),
    "fr": ("une aide de cuisine", "une personne pour la récolte", "une personne pour le ménage en hôtel",
           "une aide à domicile", "une aide en boulangerie", "une personne pour l'entrepôt", "une aide de pont",
           "une personne pour le ménage de bureaux", "une aide de chantier", "une personne pour la vente en ligne"),
}  # fmt: skip
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("on the coast", "in the north", "in the old town", "near the port", "in a village in the valley"),
    "es": ("en la costa", "en el norte", "en el casco antiguo", "cerca del puerto", "en un pueblo del valle"),
    "fr": ("sur la côte", "dans le nord", "dans la vieille ville", "près du port", "dans un village de la vallée"),
}
GREETINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("We are looking for {job} {place}.", "Wanted: {job} {place}.", "Work as {job} {place}."),
    "es": ("Buscamos {job} {place}.", "Se necesita {job} {place}.", "Se ofrece trabajo: {job} {place}."),
    "fr": ("Nous cherchons {job} {place}.", "On recherche {job} {place}.", "Offre d'emploi : {job} {place}."),
}
PAY: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("Pay: {pay} euros a month.", "{pay} euros monthly.", ""),
    "es": ("Sueldo: {pay} euros al mes.", "{pay} euros mensuales.", ""),
    "fr": ("Salaire : {pay} euros par mois.", "{pay} euros mensuels.", ""),
}
CONTACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("Call [phone].", "Write to [e-mail].", "Message [phone]."),
    "es": ("Llame al [teléfono].", "Escriba a [correo].", "Mensajes al [teléfono]."),
    "fr": ("Appelez le [téléphone].", "Écrivez à [courriel].", "Messages au [téléphone]."),
}
ADDRESSED_TO: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"woman": "For women.", "man": "For men.", "non-binary": "For non-binary people."},
    "es": {"woman": "Para mujeres.", "man": "Para hombres.", "non-binary": "Para personas no binarias."},
    "fr": {"woman": "Pour femmes.", "man": "Pour hommes.", "non-binary": "Pour personnes non binaires."},
}
NATIONALITY_SENTENCE: Final[Mapping[str, str]] = {
    "en": "{word} applicants welcome.",
    "es": "Se aceptan personas de nacionalidad {word}.",
    "fr": "Candidatures de nationalité {word} bienvenues.",
}
"""In Spanish and French the word agrees with "nacionalidad" and "nationalité", both feminine."""
NATIONALITY_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "PHL": {"en": "Filipino", "es": "filipina", "fr": "philippine"},
    "NPL": {"en": "Nepali", "es": "nepalí", "fr": "népalaise"},
    "IND": {"en": "Indian", "es": "india", "fr": "indienne"},
    "VNM": {"en": "Vietnamese", "es": "vietnamita", "fr": "vietnamienne"},
    "COL": {"en": "Colombian", "es": "colombiana", "fr": "colombienne"},
    "KEN": {"en": "Kenyan", "es": "keniana", "fr": "kényane"},
    "NGA": {"en": "Nigerian", "es": "nigeriana", "fr": "nigériane"},
    "MAR": {"en": "Moroccan", "es": "marroquí", "fr": "marocaine"},
    "BRA": {"en": "Brazilian", "es": "brasileña", "fr": "brésilienne"},
    "BGD": {"en": "Bangladeshi", "es": "bangladesí", "fr": "bangladaise"},
    "UKR": {"en": "Ukrainian", "es": "ucraniana", "fr": "ukrainienne"},
    "ROU": {"en": "Romanian", "es": "rumana", "fr": "roumaine"},
    "VEN": {"en": "Venezuelan", "es": "venezolana", "fr": "vénézuélienne"},
    "FJI": {"en": "Fijian", "es": "fiyiana", "fr": "fidjienne"},
    "BTN": {"en": "Bhutanese", "es": "butanesa", "fr": "bhoutanaise"},
}
STATELESS: Final[Mapping[str, str]] = {
    "en": "Stateless applicants welcome.",
    "es": "Se aceptan personas apátridas.",
    "fr": "Candidatures de personnes apatrides bienvenues.",
}
"""Sentences for XXA, which is no nationality."""

SIGN_SENTENCES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "documents_kept": {
        "en": ("We keep your passport for you.", "Your papers stay with the manager.",
               "Hand in your documents on arrival."),
        "es": ("Guardamos su pasaporte.", "Sus papeles se quedan con el encargado.",
               "Entregue sus documentos al llegar."),
        "fr": ("Nous gardons votre passeport.", "Vos papiers restent chez le gérant.",
               "Remettez vos documents à l'arrivée."),
    },
    "travel_debt": {
        "en": ("Travel is advanced and worked off.", "You pay back the journey from your wages.",
               "The ticket is a loan from us."),
        "es": ("El viaje se adelanta y se paga trabajando.", "Devuelve el viaje con su sueldo.",
               "El billete es un préstamo nuestro."),
        "fr": ("Le voyage est avancé et remboursé en travaillant.", "Vous remboursez le trajet sur le salaire.",
               "Le billet est un prêt de notre part."),
    },
    "no_contract": {
        "en": ("No contract at first.", "Nothing in writing is needed.", "Papers come later, maybe."),
        "es": ("Sin contrato al principio.", "No hace falta nada por escrito.", "El contrato ya se verá."),
        "fr": ("Pas de contrat au début.", "Rien par écrit n'est nécessaire.", "Le contrat, on verra plus tard."),
    },
    "leave_at_once": {
        "en": ("You leave tomorrow.", "Immediate departure.", "Decide today, travel tonight."),
        "es": ("Se viaja mañana.", "Salida inmediata.", "Decida hoy, viaje esta noche."),
        "fr": ("Départ demain.", "Départ immédiat.", "Décidez aujourd'hui, partez ce soir."),
    },
    "housed_by_employer": {
        "en": ("You live where you work.", "You sleep on the premises.", "Housing only with us."),
        "es": ("Se vive en el lugar de trabajo.", "Se duerme en las instalaciones.", "Alojamiento solo con nosotros."),
        "fr": ("Vous vivez sur le lieu de travail.", "Vous dormez sur place.", "Logement uniquement chez nous."),
    },
    "no_outside_contact": {
        "en": ("Tell nobody where you go.", "No telephone during the stay.", "Visits are not allowed."),
        "es": ("No diga a nadie adónde va.", "Sin teléfono durante la estancia.", "No se permiten visitas."),
        "fr": ("Ne dites à personne où vous allez.", "Pas de téléphone pendant le séjour.",
               "Les visites sont interdites."),
    },
    "vague_duties": {
        "en": ("Various duties, told on arrival.", "You will see what is needed.", "Different work for clients."),
        "es": ("Tareas varias que se dirán al llegar.", "Ya verá lo que hace falta.",
               "Distintos trabajos para clientes."),
        "fr": ("Tâches diverses, précisées à l'arrivée.", "Vous verrez ce qu'il faut faire.",
               "Divers travaux pour des clients."),
    },
    "high_pay_no_experience": {
        "en": ("High pay, no experience.", "Earn three times the usual wage.", "Anyone can get rich here."),
        "es": ("Sueldo alto sin experiencia.", "Gane el triple de lo normal.", "Aquí se gana mucho y rápido."),
        "fr": ("Gros salaire sans expérience.", "Gagnez trois fois le salaire habituel.",
               "Ici on gagne beaucoup et vite."),
    },
    "pay_at_the_end": {
        "en": ("Wages are paid at the end of the stay.", "We hold the first three months of pay.",
               "Money when the work is done."),
        "es": ("El sueldo se paga al final de la estancia.", "Retenemos los tres primeros meses de sueldo.",
               "El dinero, al acabar el trabajo."),
        "fr": ("Le salaire est versé à la fin du séjour.", "Nous retenons les trois premiers mois de salaire.",
               "L'argent, une fois le travail fini."),
    },
}  # fmt: skip
"""By sign: a few wordings in each language."""
ORDINARY_SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "documents_kept": {"en": "Bring a copy of your identity card.",
        "es": "Traiga una copia de su documento de identidad.", "fr": "Apportez une copie de votre pièce d'identité."},
    "travel_debt": {"en": "We pay for the journey to the interview.",
        "es": "Pagamos el desplazamiento a la entrevista.", "fr": "Le déplacement pour l'entretien est payé."},
    "no_contract": {"en": "Written contract from the first day.", "es": "Contrato por escrito desde el primer día.",
        "fr": "Contrat écrit dès le premier jour."},
    "leave_at_once": {"en": "The post starts next month.", "es": "El puesto empieza el mes que viene.",
        "fr": "Le poste commence le mois prochain."},
    "housed_by_employer": {"en": "We help to find a room.", "es": "Ayudamos a buscar habitación.",
        "fr": "Nous aidons à trouver une chambre."},
    "no_outside_contact": {"en": "Ask our staff what it is like.", "es": "Pregunte a nuestro personal cómo es.",
        "fr": "Demandez à notre personnel comment c'est."},
    "vague_duties": {"en": "A description of the post is attached.", "es": "Se adjunta la descripción del puesto.",
        "fr": "La description du poste est jointe."},
    "high_pay_no_experience": {"en": "Pay by collective agreement.", "es": "Sueldo según convenio.",
        "fr": "Salaire selon la convention collective."},
    "pay_at_the_end": {"en": "Paid on the last day of each month.", "es": "Pago el último día de cada mes.",
        "fr": "Paiement le dernier jour de chaque mois."},
}  # fmt: skip
"""By sign: the sentence that half of the adverts hold in which the sign does not show."""
