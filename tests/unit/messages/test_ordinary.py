"""Ordinary texts of a model that quotes the offer. A guard that refuses them is useless.

The texts were written before the lists of everyday words. The quotation of the offer was added
afterwards.
"""

from __future__ import annotations

import pytest

from messages.brief import LANGUAGES
from messages.everyday import everyday
from messages.guard import _has_any, faults
from messages.words import FOREIGN, INVENTED, LEAVING, NUMBER_WORDS, PROMISES, TIMES, folded
from tests.unit.messages.conftest import brief_of

REFUSED = (FOREIGN, INVENTED, LEAVING, NUMBER_WORDS, PROMISES, TIMES)
# (offer, text), by language.
ORDINARY = {
    "en": [
        (
            "discount_10",
            "Hello Ada, thank you for being a loyal customer. We are happy to offer you 10% off "
            "your next order.",
        ),
        (
            "discount_20",
            "Hi Ada, we truly appreciate having you with us. As a small thank you, please enjoy "
            "20% off your next order.",
        ),
        (
            "feature_unlock",
            "Hello Ada, we are excited to share something new with you. Have fun exploring, with "
            "all features unlocked for 30 days.",
        ),
        (
            "personal_manager",
            "Dear Ada, we want you to feel well cared for. From now on you have someone who will "
            "be glad to help, a personal contact for your questions.",
        ),
        (
            "loyalty_bonus",
            "Hello Ada, thank you for your trust and your loyalty over time. We have added 500 "
            "bonus points to your account.",
        ),
        (
            "winback_survey",
            "Hello Ada, your opinion matters to us. Would you take a moment and help us get "
            "better with a short survey?",
        ),
        (
            "discount_10",
            "Good morning, and thank you for choosing us. Treat yourself to something nice with "
            "10% off your next order.",
        ),
        (
            "discount_10",
            "Hello Ada, our support team is here whenever you need a hand. In the meantime, "
            "please enjoy 10% off your next order.",
        ),
        (
            "discount_20",
            "Hi Ada, we love having you in our community. Here is a little something for you: 20% "
            "off your next order.",
        ),
        (
            "feature_unlock",
            "Hello Ada, curious about what is new? Take your time and explore: we have unlocked "
            "all features for you for 30 days.",
        ),
        (
            "personal_manager",
            "Hello Ada, you deserve good answers. That is why, with warm wishes from our team, "
            "you now have a personal contact for your questions.",
        ),
        (
            "loyalty_bonus",
            "Dear Ada, it's wonderful to have you with us. As a sign of our appreciation, please "
            "enjoy 500 bonus points.",
        ),
    ],
    "de": [
        (
            "discount_10",
            "Hallo Ada, vielen Dank für Ihr Vertrauen. Als kleines Dankeschön erhalten Sie 10 % "
            "Rabatt auf Ihre nächste Bestellung.",
        ),
        (
            "discount_20",
            "Guten Tag Ada, es ist uns eine Freude, Sie als Kundin zu haben. Von uns bekommen Sie "
            "20 % Rabatt auf Ihre nächste Bestellung.",
        ),
        (
            "feature_unlock",
            "Liebe Ada, entdecken Sie in aller Ruhe, was es Neues gibt. Für Sie sind alle "
            "Funktionen 30 Tage lang freigeschaltet.",
        ),
        (
            "personal_manager",
            "Guten Tag Ada, uns liegt am Herzen, dass Sie sich gut betreut fühlen. Ab sofort "
            "haben Sie eine persönliche Ansprechperson für Ihre Fragen.",
        ),
        (
            "loyalty_bonus",
            "Hallo Ada, herzlichen Dank für Ihre Treue. Als Dankeschön erhalten Sie von uns 500 "
            "Bonuspunkte.",
        ),
        (
            "winback_survey",
            "Guten Tag Ada, Ihre Meinung ist uns wichtig. Teilen Sie sie mit uns, wir haben dafür "
            "eine kurze Umfrage.",
        ),
        (
            "discount_10",
            "Guten Tag, wie schön, Sie in unserer Gemeinschaft zu wissen. Gönnen Sie sich etwas "
            "Schönes mit 10 % Rabatt auf Ihre nächste Bestellung.",
        ),
        (
            "discount_10",
            "Guten Tag Ada, unser Team ist gerne für Sie da, wenn Sie Hilfe brauchen. Dazu "
            "erhalten Sie 10 % Rabatt auf Ihre nächste Bestellung.",
        ),
        (
            "discount_20",
            "Sehr geehrte Ada, wir möchten uns bei Ihnen bedanken. Dafür gibt es von uns 20 % "
            "Rabatt auf Ihre nächste Bestellung.",
        ),
        (
            "feature_unlock",
            "Hallo Ada, Lust auf Neues? Probieren Sie es einfach aus, denn für Sie sind alle "
            "Funktionen 30 Tage lang freigeschaltet.",
        ),
        (
            "personal_manager",
            "Guten Tag Ada, gute Antworten brauchen ein offenes Ohr. Deshalb haben Sie nun eine "
            "persönliche Ansprechperson für Ihre Fragen.",
        ),
        (
            "loyalty_bonus",
            "Liebe Ada, schön, dass wir Sie schon so lange begleiten dürfen. Wir wünschen viel "
            "Freude, auf Sie warten 500 Bonuspunkte.",
        ),
    ],
    "fr": [
        (
            "discount_10",
            "Bonjour Ada, merci de nous faire confiance. Nous sommes heureux de vous offrir 10 % "
            "de réduction sur votre prochaine commande.",
        ),
        (
            "discount_20",
            "Chère Ada, c'est un plaisir de vous compter parmi nos clients. Bénéficiez de 20 % de "
            "réduction sur votre prochaine commande.",
        ),
        (
            "feature_unlock",
            "Bonjour Ada, envie de découvrir nos nouveautés ? Profitez à votre rythme de toutes "
            "les fonctions ouvertes pendant 30 jours.",
        ),
        (
            "personal_manager",
            "Bonjour Ada, nous souhaitons vous accompagner au mieux. Ravi de vous aider, voici un "
            "contact personnel pour vos questions.",
        ),
        (
            "loyalty_bonus",
            "Bonjour Ada, un grand merci pour votre fidélité. Avec toute notre reconnaissance, "
            "nous avons ajouté 500 points bonus à votre compte.",
        ),
        (
            "winback_survey",
            "Bonjour Ada, votre avis compte beaucoup pour nous. Prenez un instant pour nous aider "
            "à progresser, dans un court sondage.",
        ),
        (
            "discount_10",
            "Bonjour, merci d'être à nos côtés. Faites-vous plaisir avec 10 % de réduction sur "
            "votre prochaine commande.",
        ),
        (
            "discount_10",
            "Bonjour Ada, notre équipe est là pour vous aider en cas de besoin. Profitez aussi de "
            "10 % de réduction sur votre prochaine commande.",
        ),
        (
            "discount_20",
            "Bonjour Ada, nous sommes très heureux de vous avoir avec nous. Voici, rien que pour "
            "vous, 20 % de réduction sur votre prochaine commande.",
        ),
        (
            "feature_unlock",
            "Chère Ada, nous avons une bonne nouvelle pour vous. Explorez à votre guise toutes "
            "les fonctions ouvertes pendant 30 jours.",
        ),
        (
            "personal_manager",
            "Bonjour Ada, vous méritez de bonnes réponses. C'est pourquoi vous avez maintenant un "
            "contact personnel pour vos questions.",
        ),
        (
            "loyalty_bonus",
            "Bonjour Ada, votre confiance nous touche et nous vous remercions chaleureusement. "
            "Pour vous remercier, voici 500 points bonus.",
        ),
    ],
    "es": [
        (
            "discount_10",
            "Hola Ada, muchas gracias por confiar en nosotros. Nos alegra ofrecerle un 10 % de "
            "descuento en su próximo pedido.",
        ),
        (
            "discount_20",
            "Estimada Ada, es un placer tenerle con nosotros. Aproveche un 20 % de descuento en "
            "su próximo pedido.",
        ),
        (
            "feature_unlock",
            "Hola Ada, ¿le apetece descubrir algo nuevo? Para usted están todas las funciones "
            "abiertas durante 30 días.",
        ),
        (
            "personal_manager",
            "Hola Ada, queremos que se sienta bien atendida. Desde ahora cuenta con un contacto "
            "personal para sus preguntas.",
        ),
        (
            "loyalty_bonus",
            "Hola Ada, gracias de corazón por su fidelidad. Con mucho cariño hemos añadido 500 "
            "puntos de bonificación a su cuenta.",
        ),
        (
            "winback_survey",
            "Hola Ada, su opinión es muy importante para nosotros. Para ayudarnos a mejorar, le "
            "agradecemos que responda a una breve encuesta.",
        ),
        (
            "discount_10",
            "Buenas tardes, gracias por formar parte de nuestra comunidad. Dese un gusto con un "
            "10 % de descuento en su próximo pedido.",
        ),
        (
            "discount_10",
            "Hola Ada, nuestro equipo está a su disposición cuando lo necesite. Además, disfrute "
            "de un 10 % de descuento en su próximo pedido.",
        ),
        (
            "discount_20",
            "Querida Ada, nos encanta tenerle en nuestra casa. Aquí tiene un pequeño detalle: un "
            "20 % de descuento en su próximo pedido.",
        ),
        (
            "feature_unlock",
            "Hola Ada, tenemos buenas noticias para usted. Explore con calma todas las funciones "
            "abiertas durante 30 días.",
        ),
        (
            "personal_manager",
            "Hola Ada, usted merece buenas respuestas. Por eso ahora tiene un contacto personal "
            "para sus preguntas.",
        ),
        (
            "loyalty_bonus",
            "Hola Ada, es una alegría contar con usted. Con nuestro más sincero agradecimiento, "
            "en su cuenta encontrará 500 puntos de bonificación.",
        ),
    ],
}
CASES = [(language, *text) for language in ORDINARY for text in ORDINARY[language]]


@pytest.mark.parametrize(("language", "offer", "text"), CASES, ids=[c[2][:50] for c in CASES])
def test_an_ordinary_text_passes(language, offer, text):
    assert faults(text, brief_of(offer_id=offer, language=language)) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_everyday_word_is_a_refused_word(language):
    """Such an entry has no effect, and readers of the list would think that the word passes."""
    refused = {
        word for word in everyday(language) if any(_has_any(stems, [word]) for stems in REFUSED)
    }
    assert refused == set()


# Together with these words, harmless words can form a forbidden message.
LEFT_OUT = {
    "en": """not no never nothing without do did don go goes going leave left stay come keep back again
        another chance before after last until while still all every more always any orders free pay
        paying buy spend sorry noticed sad alone end ends""",
    "de": """nicht nie kein keine nichts ohne gehen geht weg bleiben kommen zurück wieder nochmal andere chance bevor letzte alle alles immer weiter weiterhin bestellungen
        kostenlos zahlen zahlt kaufen leid traurig allein ende vorbei""",
    "fr": """ne pas jamais sans partir partez rester restez revenir encore autre chance avant
        dernière tout tous toutes toujours commandes gratuit payer payons désolé triste seul fin""",
    "es": """no nunca nada sin ir vaya deje quedarse quede volver vuelva otra otro oportunidad antes
        última todo todos siempre cada pedidos gratis pagar pagamos perdón triste solo fin aún
        todavía""",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_make_others_harmful_are_not_everyday_words(language):
    assert everyday(language) & {folded(word) for word in LEFT_OUT[language].split()} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_is_generous(language):
    assert len(everyday(language)) >= 400
