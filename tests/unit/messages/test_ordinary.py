"""Ordinary texts, written before the lists of everyday words: a guard that refuses these is useless."""

from __future__ import annotations

import pytest

from messages.brief import LANGUAGES
from messages.everyday import everyday
from messages.guard import _found, faults
from messages.words import FOREIGN, INVENTED, LEAVING, NUMBER_WORDS, PROMISES, TIMES, folded
from tests.unit.messages.conftest import brief_of

REFUSED = (FOREIGN, INVENTED, LEAVING, NUMBER_WORDS, PROMISES, TIMES)
# (offer, text), by language.
ORDINARY = {
    "en": [
        (
            "discount_10",
            "Hello Ada, thank you for being a loyal customer. We are happy to offer you 10% off your next order.",
        ),
        (
            "discount_20",
            "Hi Ada, we truly appreciate having you with us. Please enjoy 20% off your next order as a small thank you.",
        ),
        (
            "feature_unlock",
            "Hello Ada, we are excited to share something new with you. All features are unlocked for you for 30 days, so have fun exploring.",
        ),
        (
            "personal_manager",
            "Dear Ada, we want you to feel well cared for. From now on you have a personal contact for your questions, who will be glad to help.",
        ),
        (
            "loyalty_bonus",
            "Hello Ada, thank you for your trust and your loyalty over time. We have added 500 bonus points to your account, just for you.",
        ),
        (
            "winback_survey",
            "Hello Ada, your opinion matters to us. Would you take a moment to answer a short survey and help us get better?",
        ),
        (
            "discount_10",
            "Good morning, and thank you for choosing us. Treat yourself to something nice with 10% off your next order.",
        ),
        (
            "discount_10",
            "Hello Ada, our support team is here whenever you need a hand. In the meantime, please enjoy 10% off your next order.",
        ),
        (
            "discount_20",
            "Hi Ada, we love having you in our community. Here is a little something for your next order: enjoy 20% off.",
        ),
        (
            "feature_unlock",
            "Hello Ada, curious about what is new? We have unlocked all features for you for 30 days, so take your time and explore them.",
        ),
        (
            "personal_manager",
            "Hello Ada, your questions deserve good answers. That is why you now have a personal contact for all your questions, with warm wishes from our team.",
        ),
        (
            "loyalty_bonus",
            "Dear Ada, it's wonderful to have you with us. As a sign of our appreciation, 500 bonus points are waiting in your account.",
        ),
    ],
    "de": [
        (
            "discount_10",
            "Hallo Ada, vielen Dank für Ihr Vertrauen. Als kleines Dankeschön erhalten Sie 10 % Rabatt auf Ihre nächste Bestellung.",
        ),
        (
            "discount_20",
            "Guten Tag Ada, es ist uns eine Freude, Sie als Kundin zu haben. Bei Ihrer nächsten Bestellung bekommen Sie 20 % Rabatt.",
        ),
        (
            "feature_unlock",
            "Liebe Ada, entdecken Sie in aller Ruhe, was es Neues gibt. Alle Funktionen sind für Sie 30 Tage lang freigeschaltet.",
        ),
        (
            "personal_manager",
            "Guten Tag Ada, uns liegt am Herzen, dass Sie sich gut betreut fühlen. Ab sofort haben Sie eine persönliche Ansprechperson für Ihre Fragen.",
        ),
        (
            "loyalty_bonus",
            "Hallo Ada, herzlichen Dank für Ihre Treue. Auf Ihrem Konto finden Sie 500 Bonuspunkte, die wir für Sie gutgeschrieben haben.",
        ),
        (
            "winback_survey",
            "Guten Tag Ada, Ihre Meinung ist uns wichtig. Wir freuen uns, wenn Sie an einer kurzen Umfrage teilnehmen.",
        ),
        (
            "discount_10",
            "Guten Tag, wie schön, Sie in unserer Gemeinschaft zu wissen. Gönnen Sie sich etwas Schönes mit 10 % Rabatt auf Ihre nächste Bestellung.",
        ),
        (
            "discount_10",
            "Guten Tag Ada, unser Team ist gerne für Sie da, wenn Sie Hilfe brauchen. Dazu erhalten Sie 10 % Rabatt auf Ihre nächste Bestellung.",
        ),
        (
            "discount_20",
            "Sehr geehrte Ada, wir möchten uns bei Ihnen bedanken. Mit 20 % Rabatt macht Ihre nächste Bestellung noch mehr Spaß.",
        ),
        (
            "feature_unlock",
            "Hallo Ada, Lust auf neue Funktionen? Probieren Sie sie einfach aus, denn alle Funktionen sind 30 Tage lang für Sie freigeschaltet.",
        ),
        (
            "personal_manager",
            "Guten Tag Ada, gute Antworten brauchen ein offenes Ohr. Deshalb haben Sie nun eine persönliche Ansprechperson für alle Ihre Fragen.",
        ),
        (
            "loyalty_bonus",
            "Liebe Ada, schön, dass wir Sie schon so lange begleiten dürfen. Wir haben Ihrem Konto 500 Bonuspunkte gutgeschrieben und wünschen viel Freude damit.",
        ),
    ],
    "fr": [
        (
            "discount_10",
            "Bonjour Ada, merci de nous faire confiance. Nous sommes heureux de vous offrir 10 % de réduction sur votre prochaine commande.",
        ),
        (
            "discount_20",
            "Chère Ada, c'est un plaisir de vous compter parmi nos clients. Bénéficiez de 20 % de réduction sur votre prochaine commande.",
        ),
        (
            "feature_unlock",
            "Bonjour Ada, envie de découvrir nos nouveautés ? Toutes les fonctions vous sont ouvertes pendant 30 jours, profitez-en à votre rythme.",
        ),
        (
            "personal_manager",
            "Bonjour Ada, nous souhaitons vous accompagner au mieux. Vous avez désormais un contact personnel pour vos questions, ravi de vous aider.",
        ),
        (
            "loyalty_bonus",
            "Bonjour Ada, un grand merci pour votre fidélité. Nous avons ajouté 500 points bonus à votre compte, avec toute notre reconnaissance.",
        ),
        (
            "winback_survey",
            "Bonjour Ada, votre avis compte beaucoup pour nous. Prenez un instant pour répondre à un court sondage et nous aider à progresser.",
        ),
        (
            "discount_10",
            "Bonjour, merci d'être à nos côtés. Faites-vous plaisir avec 10 % de réduction sur votre prochaine commande.",
        ),
        (
            "discount_10",
            "Bonjour Ada, notre équipe est là pour vous aider en cas de besoin. Profitez aussi de 10 % de réduction sur votre prochaine commande.",
        ),
        (
            "discount_20",
            "Bonjour Ada, nous sommes très heureux de vous avoir avec nous. Pour votre prochaine commande, voici 20 % de réduction rien que pour vous.",
        ),
        (
            "feature_unlock",
            "Chère Ada, nous avons une bonne nouvelle pour vous. Explorez à votre guise toutes les fonctions, ouvertes pour vous pendant 30 jours.",
        ),
        (
            "personal_manager",
            "Bonjour Ada, vos questions méritent de bonnes réponses. C'est pourquoi vous avez maintenant un contact personnel pour vos questions.",
        ),
        (
            "loyalty_bonus",
            "Bonjour Ada, votre confiance nous touche et nous vous remercions chaleureusement. Pour vous remercier, 500 points bonus vous attendent sur votre compte.",
        ),
    ],
    "es": [
        (
            "discount_10",
            "Hola Ada, muchas gracias por confiar en nosotros. Nos alegra ofrecerle un 10 % de descuento en su próximo pedido.",
        ),
        (
            "discount_20",
            "Estimada Ada, es un placer tenerle con nosotros. Aproveche un 20 % de descuento en su próximo pedido.",
        ),
        (
            "feature_unlock",
            "Hola Ada, ¿le apetece descubrir algo nuevo? Todas las funciones están abiertas para usted durante 30 días.",
        ),
        (
            "personal_manager",
            "Hola Ada, queremos que se sienta bien atendida. Desde ahora cuenta con un contacto personal para sus preguntas.",
        ),
        (
            "loyalty_bonus",
            "Hola Ada, gracias de corazón por su fidelidad. Hemos añadido 500 puntos de bonificación a su cuenta con mucho cariño.",
        ),
        (
            "winback_survey",
            "Hola Ada, su opinión es muy importante para nosotros. Le agradecemos que responda a una breve encuesta para ayudarnos a mejorar.",
        ),
        (
            "discount_10",
            "Buenas tardes, gracias por formar parte de nuestra comunidad. Dese un gusto con un 10 % de descuento en su próximo pedido.",
        ),
        (
            "discount_10",
            "Hola Ada, nuestro equipo está a su disposición cuando lo necesite. Además, disfrute de un 10 % de descuento en su próximo pedido.",
        ),
        (
            "discount_20",
            "Querida Ada, nos encanta tenerle en nuestra casa. Aquí tiene un pequeño detalle: un 20 % de descuento en su próximo pedido.",
        ),
        (
            "feature_unlock",
            "Hola Ada, tenemos buenas noticias para usted. Explore con calma todas las funciones, abiertas para usted durante 30 días.",
        ),
        (
            "personal_manager",
            "Hola Ada, sus preguntas merecen buenas respuestas. Por eso ahora tiene un contacto personal para todas sus preguntas.",
        ),
        (
            "loyalty_bonus",
            "Hola Ada, es una alegría contar con usted. En su cuenta encontrará 500 puntos de bonificación, con nuestro más sincero agradecimiento.",
        ),
    ],
}
CASES = [(language, *text) for language in ORDINARY for text in ORDINARY[language]]


@pytest.mark.parametrize(("language", "offer", "text"), CASES, ids=[c[2][:50] for c in CASES])
def test_an_ordinary_text_passes(language, offer, text):
    assert faults(text, brief_of(offer_id=offer, language=language)) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_everyday_word_is_none_that_is_refused_for_itself(language):
    """Such a word would stand there in vain; and the list would be read as if it passed."""
    refused = {
        word for word in everyday(language) if any(_found(stems, [word]) for stems in REFUSED)
    }
    assert refused == set()


# With these, words that are harmless one by one say what no message may.
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
def test_what_turns_harmless_words_into_harm_is_no_everyday_word(language):
    assert everyday(language) & {folded(word) for word in LEFT_OUT[language].split()} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_is_generous(language):
    assert len(everyday(language)) >= 400
