"""python -m benchmarks.sentiment FOLDER: sentiment against people, and the language of texts.

FOLDER holds the rated texts of Hutto and Gilbert 2014 (`<name>_GroundTruth.txt.gz`, tab-separated:
id, mean rating, ratings, text), from the repository cjhutto/vaderSentiment. It is not copied.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from textblob.en import sentiment as pattern_sentiment

from benchmarks.measure import Section, write
from udfs import sentiment
from udfs.sentiment import ENGLISH, UNKNOWN, language_of, sentiment_of

SETS = ("tweets", "amazonReviewSnippets", "movieReviewSnippets", "nytEditorialSnippets")
WEIGHTS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# Texts as customers write them, eight per language, in the order of LANGUAGES.
LANGUAGES = ("de", "fr", "es", "it", "nl", "pt", "pl", "sv")
FOREIGN = """
Die Lieferung kam zu spät und der Karton war beschädigt.|Ich kann mich seit gestern nicht mehr anmelden.|Super Service, vielen Dank!|Warum wurde mir der Betrag zweimal abgebucht?|Das Gerät ist nach zwei Wochen kaputt gegangen.|Bitte kündigen Sie meinen Vertrag.|Alles bestens, gerne wieder.|Der Support antwortet einfach nicht.
La livraison est arrivée en retard et le colis était abîmé.|Je n'arrive plus à me connecter depuis hier.|Service excellent, merci beaucoup !|Pourquoi ai-je été débité deux fois ?|L'appareil est tombé en panne au bout de deux semaines.|Merci de résilier mon abonnement.|Très déçu de la qualité.|Personne ne répond à mes messages.
El pedido llegó tarde y la caja estaba rota.|No puedo iniciar sesión desde ayer.|¡Excelente servicio, muchas gracias!|¿Por qué me cobraron dos veces?|El aparato dejó de funcionar a las dos semanas.|Quiero cancelar mi suscripción.|Muy mala calidad, no lo recomiendo.|Nadie responde a mis mensajes.
La consegna è arrivata in ritardo e il pacco era rotto.|Da ieri non riesco più ad accedere.|Servizio eccellente, grazie mille!|Perché mi avete addebitato due volte?|Il prodotto si è rotto dopo due settimane.|Vorrei disdire il mio abbonamento.|Pessima qualità, non lo consiglio.|Nessuno risponde ai miei messaggi.
De bestelling kwam te laat en de doos was kapot.|Ik kan sinds gisteren niet meer inloggen.|Geweldige service, hartelijk dank!|Waarom is er twee keer afgeschreven?|Het apparaat ging na twee weken stuk.|Ik wil mijn abonnement opzeggen.|Slechte kwaliteit, niet aan te raden.|Niemand antwoordt op mijn berichten.
A entrega chegou atrasada e a caixa estava quebrada.|Não consigo entrar desde ontem.|Excelente serviço, muito obrigado!|Por que fui cobrado duas vezes?|O aparelho parou de funcionar depois de duas semanas.|Quero cancelar minha assinatura.|Péssima qualidade, não recomendo.|Ninguém responde às minhas mensagens.
Paczka przyszła za późno i była uszkodzona.|Od wczoraj nie mogę się zalogować.|Świetna obsługa, dziękuję bardzo!|Dlaczego pobrano opłatę dwa razy?|Urządzenie zepsuło się po dwóch tygodniach.|Chcę zrezygnować z abonamentu.|Bardzo słaba jakość, nie polecam.|Nikt nie odpowiada na moje wiadomości.
Leveransen kom för sent och lådan var trasig.|Jag kan inte logga in sedan igår.|Utmärkt service, tack så mycket!|Varför drogs pengarna två gånger?|Apparaten gick sönder efter två veckor.|Jag vill säga upp mitt abonnemang.|Dålig kvalitet, rekommenderas inte.|Ingen svarar på mina meddelanden.
"""  # noqa: E501
# Least correlation with people.
GOALS = {"tweets": 0.87, "amazonReviewSnippets": 0.59}


def rated(folder: Path, name: str) -> pd.DataFrame:
    """One row per text: text, rating (mean of twenty people, -4 to 4)."""
    with gzip.open(folder / f"{name}_GroundTruth.txt.gz", "rt", errors="replace") as lines:
        rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return pd.DataFrame([(row[-1], float(row[1])) for row in rows], columns=["text", "rating"])


def agreement(folder: Path) -> Section:
    """Correlation of each score with people, and the cost of a text."""
    vader, pattern = _vader, _pattern
    section = Section(
        "Sentiment against people",
        "Pearson correlation with the mean rating of twenty people, all texts of a set; the mixes "
        "give VADER the stated weight and Pattern the rest. The last row is udfs/sentiment.py, "
        "which leaves out texts that are not English. Microseconds per text on one core. "
        "`python -m benchmarks.sentiment FOLDER`.",
        ("score", *SETS, "microseconds"),
    )
    sets = {name: rated(folder, name) for name in SETS}
    apart = {
        label: {name: timed(score, rows["text"]) for name, rows in sets.items()}
        for label, score in {"VADER": vader, "Pattern": pattern, "both": sentiment_of}.items()
    }

    def line(label: str, scores: dict[str, pd.Series], cost: float) -> tuple:
        figures = (f"{scores[n].corr(sets[n]['rating']):.3f}" for n in SETS)
        return (label, *figures, f"{cost:.0f}")

    scores = {label: {n: v[0] for n, v in of.items()} for label, of in apart.items()}
    texts = sum(len(rows) for rows in sets.values())
    cost = {label: sum(v[1] for v in of.values()) / texts * 1e6 for label, of in apart.items()}
    section.rows = [line(label, scores[label], cost[label]) for label in ("VADER", "Pattern")]
    for weight in WEIGHTS:
        mix = {n: weight * scores["VADER"][n] + (1 - weight) * scores["Pattern"][n] for n in SETS}
        section.rows.append(line(f"VADER {weight}", mix, cost["VADER"] + cost["Pattern"]))
    used = f"udfs/sentiment.py (VADER {sentiment.VADER_WEIGHT})"
    section.rows.append(line(used, scores["both"], cost["both"]))
    for name, least in GOALS.items():
        value = scores["both"][name].corr(sets[name]["rating"])
        verdict = "reached" if value >= least else "**not reached**"
        section.verdicts.append(f"{name}: {value:.3f} (goal ≥ {least}): {verdict}")
    return section


def languages(folder: Path) -> Section:
    """Which texts get a score."""
    section = Section(
        "Language of texts",
        "Share of texts that get a score: all texts of the sets above, which are English, and 64 "
        "sentences of customers in eight other languages, which should get none. "
        "`python -m benchmarks.sentiment FOLDER`.",
        ("texts", "number", "with a score"),
    )
    for name in SETS:
        texts = rated(folder, name)["text"]
        section.rows.append((name, len(texts), f"{100 * _scored(texts):.1f} %"))
    for language, line in zip(LANGUAGES, FOREIGN.strip().splitlines(), strict=True):
        texts = pd.Series(line.split("|"))
        section.rows.append((language, len(texts), f"{100 * _scored(texts):.1f} %"))
    return section


def timed(score: Callable[[pd.Series], pd.Series], texts: pd.Series) -> tuple[pd.Series, float]:
    """The scores, and the CPU seconds that they took."""
    began = time.process_time()
    scores = score(texts)
    return scores, time.process_time() - began


def _vader(texts: pd.Series) -> pd.Series:
    analyzer = sentiment._analyzer()
    return texts.map(lambda text: analyzer.polarity_scores(text)["compound"])


def _pattern(texts: pd.Series) -> pd.Series:
    return texts.map(lambda text: pattern_sentiment(text)[0])


def _scored(texts: pd.Series) -> float:
    return float(texts.map(lambda text: language_of(text) in (ENGLISH, UNKNOWN)).mean())


def main() -> None:
    """Write both tables into RESULTS.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sentiment", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the rated texts")
    folder = parser.parse_args().folder
    for section in (agreement(folder), languages(folder)):
        write(section)


if __name__ == "__main__":
    main()
