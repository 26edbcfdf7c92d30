"""Templates, used if the model writes no valid message: two sentences of fixed parts."""

from __future__ import annotations

from messages.brief import Brief

GREETINGS = {"en": "Hello", "de": "Guten Tag", "fr": "Bonjour", "es": "Hola"}
THANKS = {
    ("en", "new features"): "thank you for exploring what is new with us",
    ("en", "support"): "thank you for being with us, our team is glad to help you",
    ("en", "savings"): "thank you for being with us",
    ("de", "new features"): "schön, dass Sie Neues bei uns entdecken",
    ("de", "support"): "schön, dass Sie bei uns sind, unser Team hilft Ihnen gern",
    ("de", "savings"): "schön, dass Sie bei uns sind",
    ("fr", "new features"): "merci de découvrir nos nouveautés avec nous",
    ("fr", "support"): "merci de votre confiance, notre équipe vous aide volontiers",
    ("fr", "savings"): "merci de votre confiance",
    ("es", "new features"): "gracias por descubrir nuestras novedades con nosotros",
    ("es", "support"): "gracias por su confianza, nuestro equipo le ayuda con gusto",
    ("es", "savings"): "gracias por su confianza",
}


def template(brief: Brief) -> str:
    """A message with greeting, thanks and the offer only."""
    name = f" {brief.first_name}" if brief.first_name else ""
    thanks = THANKS[brief.language, brief.theme]
    return f"{GREETINGS[brief.language]}{name}, {thanks}. {brief.terms.sentence}"
