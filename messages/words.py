"""Words that a message must not contain, in four languages, in lower case without accents.

Each entry matches the start of a word. The lists are long on purpose: a good draft that is refused
costs one template, but a bad draft that passes costs a customer.
"""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """Convert to lower case and remove accents, so that accents cannot hide a word.

    >>> folded("Kündigung, ça")
    'kundigung, ca'
    """
    parts = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ẞ", "ss"))
    return "".join(c for c in parts if not unicodedata.combining(c)).lower().replace("’", "'")


def _stems(text: str) -> tuple[str, ...]:
    """Stems separated by blanks. _ stands for a blank in a stem, $ for the end of the word."""
    return tuple(stem.replace("_", r"\s+").replace("$", r"\b") for stem in text.split())


def _words(text: str) -> list[str]:
    return text.split()


# Churn, risk, leaving and scores, also words for staying and coming back, which hint at them.
LEAVING = _stems(
    "churn attrition risk leav cancel unsubscrib terminat quit$ goodbye farewell score scoring "
    "predict probab likel algorithm segment retention retain stay losing los(e|t)_you miss_you "
    "missed_you come_back coming_back back_to_us win_you inactiv not_active dormant competitor "
    "switch_(to|away) part_ways haven.?t_seen calculat analy[sz] kundig abwander risik verlass "
    "verlier verlor bleib wahrscheinlich bewertung vorhersag prognos abschied wechsel inaktiv "
    "zuruck vermiss noch_(bei|hier|da|kund) nous_laiss give_us geben_sie_uns gib_uns "
    "(donnez|accordez).?nous konkurren berechn (is|be|are)_over resili desabonn quitt risque "
    "partir depart perdre perdu prevu prevoir rest(e|ez|er)$ reven manqu inactif annul concurren "
    "adieu calcul baja$ riesgo abandon dejar irse$ marcha perder perdid puntua predic probab "
    "quedar quede vuelv volver extran competenc despedi"
)

# Promises. Only the text of the offer may contain these words.
PROMISES = _stems(
    "(our|my)_word unser_wort notre_parole nuestra_palabra "
    "free$ gift present$ refund guarant cash money voucher coupon promo code double triple twice "
    "half lifetime unlimited forever prize winner won$ bonus points? discount rabat credit percent "
    "upgrade shipping delivery trial subscription reward save off$ cheap lower_price price$ "
    "pric(e|ing)_ euro dollar pound usd eur$ manager phone_call personal survey unlock exclusive "
    "on_us$ pour_rien gratis kostenlos kostenfrei umsonst geschenk schenk erstatt garant bargeld "
    "geld gutschein doppel halb lebenslang unbegrenzt fur_immer gewinn bonuspunkt punkte prozent "
    "versand lieferung rabatt nachlass gutschrift preis umfrage freischalt freigeschaltet exklusiv "
    "sparen gratuit cadeau rembours argent bon_d moitie a_vie illimit gagn prime remise reduction "
    "livraison pour_cent prix sondage offert exclusi economi regal reembols dinero efectivo vale$ "
    "cupon mitad por_vida ilimit premio ganador ganado descuento puntos envio por_ciento precios?$ "
    "encuesta ahorr credito"
)

NUMBER_WORDS = _stems(
    "two three four five six seven eight nine ten$ eleven twelve twenty thirty forty fifty sixty "
    "seventy eighty ninety hundred thousand million dozen quarter third zwei drei vier funf sechs "
    "sieben acht$ neun zehn elf$ zwolf zwanzig dreissig vierzig hundert tausend million dutzend "
    "viertel drittel deux trois quatre cinq sept$ huit neuf$ dix onze douze vingt trente quarante "
    "cinquante soixante cents? mille douzaine quart tiers dos$ cuatro cinco seis siete ocho nueve "
    "diez once$ doce veint treinta cuarenta cincuenta sesenta setenta ochenta noventa cien mil$ "
    "miles docena cuarto tercio"
)

# Dates, deadlines and durations.
TIMES = _stems(
    "today tonight tomorrow yesterday until expir deadline hurry last_chance limited days? weeks? "
    "months? years? hours? monday tuesday wednesday thursday friday saturday sunday january "
    "february april june july august september october november december weekend heute gestern "
    "bis_zum ablauf letzte_chance tage$ tagen$ wochen? monate? jahre? stunden? montag dienstag "
    "mittwoch donnerstag freitag samstag sonntag januar februar marz april mai$ juni juli oktober "
    "dezember wochenende aujourd demain jusqu derniere_chance jours? semaine mois$ ans$ annee "
    "heures?$ lundi mardi mercredi jeudi vendredi samedi dimanche janvier fevrier avril juin$ "
    "juillet aout septembre octobre novembre decembre hoy$ manana hasta caduca ultima_oportunidad "
    "dias?$ semana mes$ meses ano$ anos$ hora lunes martes miercoles jueves viernes sabado domingo "
    "enero febrero marzo abril mayo$ junio julio agosto septiembre octubre noviembre diciembre"
)

# Facts that are not in the brief.
INVENTED = _stems(
    "you_(bought|purchased|ordered|visited|complained|told|said|asked) your_(recent|last|latest) "
    "we_(noticed|saw|see|know|heard|remember) birthday know_(where|who|why) complain neighbou?r "
    "your_(family|husband|wife|child|health|address|doctor) gekauft bestellt_haben bemerkt gesehen "
    "wir_wissen geburtstag beschwer ihre?_letzte nachbar remarque nous_savons anniversaire plainte "
    "votre_dernier voisin compro$ hemos_(visto|notado) sabemos cumpleanos queja su_ultim vecino"
)

# Words about the system, and words of fraud.
FOREIGN = _stems(
    "instruction prompt system json claude anthropic chatgpt openai language_model assistant model "
    "ai$ ignore disregard override previous above secret confidential password passcode pin$ "
    "credit_card iban account_number bank ssn api_key token click tap_here link http www email "
    "e.?mail phone call_(us|me|now) send wire transfer bitcoin crypto invest verify confirm_your "
    "login log_in sign_in script drop_table select_ test_message lorem anweisung sprachmodell "
    "modell passwort kennwort kreditkarte klick uberweis bestatigen_sie geheim bank anmeld telefon "
    "rufen_sie ki$ vorherig mot_de_passe carte_(bancaire|de_credit) cliqu virement confirmez "
    "connect_ connectez secret modele consigne appelez ia$ precedent banque contrasena tarjeta "
    "(haga|haz|pulse)_clic clic$ transfer confirme modelo instruccion banco llame anterior secreto "
    "idiot stupid dumb hate kill damn dumm hass(e|en|t)?$ bescheuert stupide imbecile merde "
    "estupid odi mierda lawsuit lawyer anwalt avocat abogado vote election politic religio"
)

STOP_WORDS = {
    "en": frozenset(
        _words("""
        the you your we our for with and to of is are have us on be thank hello now""")
    ),
    "de": frozenset(
        _words("""
        der die das sie ihr ihre ihren ihrem wir uns fur mit und zu ist sind haben auf bei guten
        tag dass schon danke""")
    ),
    "fr": frozenset(
        _words("""
        le les vous votre vos nous notre pour avec et est sont avons sur merci bonjour des une
        chez du""")
    ),
    "es": frozenset(
        _words("""
        el los usted su sus nosotros nuestro nuestra nuestras por con y son hemos en gracias hola
        una un le para las que""")
    ),
}

GREETINGS = _stems(
    "hello hi$ hey$ dear$ good_(morning|day|evening) welcome thanks hallo guten_(tag|morgen|abend) "
    "lieber? liebe$ sehr_geehrter? sehr_geehrte willkommen danke bonjour bonsoir salut chere? "
    "bienvenue merci hola estimad[oa] querid[oa] buen[oa]s_(dias|tardes|noches) bienvenid[oa] "
    "gracias"
)
TITLES = _stems("mr$ mrs$ ms$ dr$ prof$ sir$ madam herr$ frau$ monsieur madame sr$ sra$ senor")
