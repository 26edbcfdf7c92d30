"""What the header of a column says about its content, in English, German, French and Spanish."""

from __future__ import annotations

import re
import unicodedata


def _any(words: str) -> str:
    return "(?:" + "|".join(words.split()) + ")"


_ID = _any("nr no nummer number num numero n id code key ref reference referencia kennung")
_PERSON = _any(
    "kunden? kd customer client cliente buyer member mitglieds? user household debitor acheteur "
    "comprador konto account"
)
_ORDER = _any(
    "bestell(?:ung|ungs)? order auftrags? beleg rechnungs? invoice receipt basket bon commande "
    "facture pedido factura purchase transaction transaktions? vorgangs? sale venta compra"
)
_ARTICLE = _any(
    "artikel product produkt produit producto sku stock item article articulo ean gtin material"
)
_SUM = _any("betrag amount importe montant gesamtpreis")
_PART = _any("gesamt zeilen positions rechnungs end netto brutto line total net gross order")

# Role: patterns with their weight, the strongest first. A header is words without accents, in lower
# case. The weight is the confidence that the header alone gives.
_ROLES: dict[str, tuple[tuple[str, float], ...]] = {
    "customer_id": (
        (rf"{_PERSON}(?:en)? ?{_ID}", 0.95),
        (rf"{_ID} (?:de )?{_PERSON}", 0.95),
        (_PERSON, 0.7),
    ),
    "order_id": (
        (rf"{_ORDER} ?{_ID}", 0.95),
        (rf"{_ID} (?:de )?{_ORDER}", 0.95),
        (_ORDER, 0.7),
        (_any("id nr no number nummer numero"), 0.5),
    ),
    "line_number": (
        (_any("pos position zeile zeilennr ligne linea posicion row"), 0.9),
        (r"line(?: (?:no|number|nr|item))?|zeilen nr|lfd nr|(?:order )?item no", 0.9),
    ),
    "product_id": (
        (rf"{_ARTICLE} ?{_ID}|sku|ean|gtin", 0.95),
        (_ARTICLE, 0.8),
        (rf"{_ARTICLE} ?{_any('name bezeichnung titel title')}", 0.5),
        (_any("designation bezeichnung descripcion description"), 0.5),
    ),
    "purchased_at": (
        (rf"{_ORDER}s? ?{_any('datum date zeit zeitpunkt time timestamp at day tag')}", 0.95),
        (rf"{_any('date fecha time datum')}(?: de| d| of| der)?(?: la)? {_ORDER}", 0.95),
        (_any("datum date fecha timestamp time zeit tag day"), 0.8),
        (rf"{_any('created purchased ordered')}(?: at| on)?", 0.8),
        (rf".*{_any('datum date fecha created timestamp')}.*", 0.4),
    ),
    "quantity": (
        (_any("menge anzahl qty quantity quantite qte cantidad units stk stuck stuckzahl"), 0.95),
        (_any("pieces unidades"), 0.95),
    ),
    "amount": (
        (rf"(?:{_PART} ?)?{_SUM}", 0.9),
        (_any("umsatz revenue sales total gesamt summe gesamtpreis"), 0.85),
        (rf"{_any('importe montant prix precio line order sales')} {_any('total value')}", 0.85),
        (rf"total {_any('price value sales')}|preis gesamt", 0.85),
        (_any("wert value warenwert brutto netto paid bezahlt"), 0.6),
    ),
    "price": (
        (rf"(?:{_any('einzel stuck verkaufs unit list item')} ?)?{_any('preis price')}", 0.9),
        (r"prix(?: unitaire)?|precio(?: unitario)?", 0.9),
    ),
    "discount": (
        (_any("rabatt rabattbetrag discount remise descuento nachlass reduction coupon"), 0.9),
        (r"discount amount", 0.9),
    ),
    "status": (
        (rf"(?:{_ORDER}s? ?)?{_any('status state etat estado statut zustand')}", 0.95),
        (rf"\w+ {_any('status statut estado')}", 0.7),
    ),
    "kind": (
        (_any("typ type art belegart vorgangsart tipo kind"), 0.7),
        (r"transaction type", 0.7),
    ),
    "currency": ((_any("wahrung currency devise moneda divisa") + "(?: code)?", 0.95),),
    "email": ((r".*(?:e ?mail|courriel|correo).*", 0.95),),
}
# Headers of columns that are times or amounts, but not those of the purchase.
_OTHERS = {
    "purchased_at": _any(
        "liefer versand deliver ship livraison expedition envio entrega geburt birth nacimiento "
        "naissance fallig due zahl paid payment paiement pago update modif geandert cancel storn "
        "return refund retour"
    ),
    "amount": _any(
        "steuer tax mwst ust vat tva iva versand porto shipping freight frais envio rabatt "
        "discount remise descuento cost kosten"
    ),
}
_NAMES = _any("name nom prenom nombre apellidos? vorname nachname")
_OWNERS = _any("vor nach familien kunden customer first last full sur user")
_PERSONAL = re.compile(
    rf"(?:^|.* )(?:{_OWNERS} ?)?{_NAMES}(?: .*|$)|"
    rf".*{_any('e.?mail courriel correo telefon phone telephone mobil handy movil fax')}.*|"
    rf".*{_any('adresse address direccion strasse street rue calle anschrift plz zip')}.*|"
    rf".*{_any('postleitzahl postcode postal geburt birth naissance nacimiento iban')}.*|"
    rf".*{_any('kommentar comment bemerkung notiz note nachricht message')}.*|"
    rf".*{_any('commentaire comentario observacion')}.*"
)
_OF_ARTICLE = re.compile(rf".*(?:{_ARTICLE}|file|datei|marke|brand).*")
_CODES = _any("EUR USD GBP CHF PLN SEK DKK NOK CAD AUD MXN JPY")
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}


def words(header: str) -> str:
    """The words of a header in lower case, without accents and signs.

    >>> words("Größe"), words("Einzelpreis (EUR)"), words("CustomerID"), words("Kunden_Nr_")
    ('grosse', 'einzelpreis eur', 'customer id', 'kunden nr')
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header.replace("ß", "ss"))
    plain = unicodedata.normalize("NFKD", spaced).encode("ascii", "ignore").decode().lower()
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def confidence(header: str, role: str) -> float:
    """How strongly a header names a role, 0 to 1.

    >>> confidence("Bestell-Nr_", "order_id"), confidence("Lieferdatum", "purchased_at")
    (0.95, 0.1)
    """
    # A currency or a percent sign in the header says nothing about the role.
    text = re.sub(r" (?:eur|usd|gbp|chf|euro|in|pct|percent|prozent)\b", "", words(header))
    weight = next((w for form, w in _ROLES[role] if re.fullmatch(form, text)), 0.0)
    if weight and re.search(_OTHERS.get(role, r"(?!)"), text):
        return 0.1
    return weight


def is_personal(header: str) -> bool:
    """Whether a header names personal data: a name, an address, a phone number or free text."""
    text = words(header)
    return bool(_PERSONAL.fullmatch(text)) and not _OF_ARTICLE.fullmatch(text)


def is_percent(header: str) -> bool:
    """Whether a header says that its values are percentages."""
    named = re.search(r"\b(?:pct|percent|prozent|porcentaje|pourcent)", words(header))
    return "%" in header or bool(named)


def currency_in(header: str) -> str | None:
    """The currency that a header names; None: none.

    >>> currency_in("Betrag (EUR)"), currency_in("Betrag__EUR_"), currency_in("Betrag")
    ('EUR', 'EUR', None)
    """
    if code := re.search(rf"\b{_CODES}\b", header.replace("_", " ")):
        return code[0]
    return next((code for sign, code in _SIGNS.items() if sign in header), None)
