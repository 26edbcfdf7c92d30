"""Closed lists of words for the form checks, per language, folded (see messages.names.folded).

They hold what a text must not state: numbers, dates, titles and names. They do not judge meaning;
that is the judge's task.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Letters of each language beside a to z. Foreign words such as "café" are common in all four.
LETTERS = {
    "en": "éèêëïçñöü",
    "de": "äöüßéèêàç",
    "fr": "àâæçéèêëîïôœùûüÿ",
    "es": "áéíóúüñçèà",
}

STOP_WORDS = {
    "en": _words(
        """the a an you your yours we our ours us for with and to of is are have has had been be on
        it that this what when can will so as at in from by i'm we're you're it's every each
        whenever all always here their they there thank thanks more how who which if but or not
        do does did"""
    ),
    "de": _words(
        """der die das den dem des ein eine einen einem einer sie ihr ihre ihren ihrem ihnen ihrer
        wir uns unser unsere unseren unserem fur mit und zu zum zur ist sind haben hat auf bei
        beim es dass schon immer von vom im in am an wenn wie was so alles auch noch nicht sich
        oder aus danke freuen gern gerne dank man ohne damit als bis nach uber mehr viel ja ob
        hier nur kein keine wieder"""
    ),
    "fr": _words(
        """le la les un une des du de d l vous votre vos nous notre nos pour avec et est sont avons
        avez sur merci chez que qui ce cette ces en au aux a dans plus toute toutes tout tous il
        elle c s n y j se par si quand comme ou ne pas mais sans meme bien etre fait deja mon
        leur voici cela"""
    ),
    "es": _words(
        """el la los las un una unos usted ustedes su sus nosotros nuestro nuestra nuestros
        nuestras por para con y es son hemos ha en de del al que se le les lo mas cada cuando
        como siempre gracias todo todos todas aqui estamos nos a muy no si ya sin pero ser hay
        esta este esto tambien donde quien quienes tiene puede bien desde esa ese otra otro"""
    ),
}

# Numbers from two on, ordinals from the third on, multiples and shares. "One", the articles,
# "first" and "second" are left out.
NUMBERS = {
    "en": _words(
        """two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
        ninety hundred hundreds thousand thousands million millions billion dozen dozens
        half halves quarter percent percentage twice thrice double triple quadruple twofold
        threefold fourfold fivefold sixfold sevenfold eightfold ninefold tenfold hundredfold
        third thirds fourth fourths quarters fifth fifths sixth sixths seventh sevenths eighth
        eighths ninth ninths tenth tenths eleventh twelfth thirteenth fourteenth fifteenth
        sixteenth seventeenth eighteenth nineteenth twentieth thirtieth zero fiver tenner
        dollar dollars cent cents euro euros pound pounds"""
    ),
    "de": _words(
        """zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn
        sechzehn siebzehn achtzehn neunzehn zwanzig dreissig vierzig funfzig sechzig siebzig
        achtzig neunzig hundert hunderte tausend tausende million millionen milliarde
        dutzend halb halbe halben halber halbes halfte viertel drittel prozent doppelt
        doppelte doppelten dreifach dreifache zweimal dreimal zehnmal euro euros dollar
        pfund null"""
    ),
    "fr": _words(
        """deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze
        seize vingt trente quarante cinquante soixante cent cents mille million millions
        milliard huitaine dizaine dizaines douzaine quinzaine vingtaine trentaine quarantaine
        cinquantaine soixantaine centaine centaines septante huitante octante nonante zero
        moitie demi demie quart quarts tiers pourcent pourcentage double triple quadruple
        quintuple decuple centuple euro euros dollar dollars"""
    ),
    "es": _words(
        """dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince
        dieciseis diecisiete dieciocho diecinueve veinte treinta cuarenta cincuenta sesenta
        setenta ochenta noventa cien ciento cientos doscientos trescientos cuatrocientos
        quinientos seiscientos setecientos ochocientos novecientos mil miles millon millones
        docena docenas decena decenas quincena mitad medio cuarto cuarta tercio tercios tercer
        tercero tercera quinto quinta sexto sexta septimo septima octavo octava noveno novena
        decimo decima cero doble triple cuadruple quintuple porcentaje centavo centavos
        euro euros dolar dolares peso pesos"""
    ),
}
# Numbers of one language that are ordinary words of another.
SHARED = _words("once seize tiers elf demi dos quince mil miles medio null tres")
# Patterns of numbers that are formed by rule, for a whole word.
_GERMAN_UNIT = "zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|elf|zwolf"
_GERMAN_ORDINAL = "dritt|viert|funft|sechst|siebt|siebent|neunt|zehnt|elft|zwolft"
FORMED_NUMBERS = {
    "en": r"(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\w+",
    "de": r"\w*(zwanzig|dreissig|vierzig|funfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend|"
    r"prozent|doppel)\w*|"
    rf"({_GERMAN_UNIT})(fach(e[nmrs]?)?|mal|er)|achtel|(\w*zehnt|{_GERMAN_ORDINAL})(e[nmrs]?|eln?)",
    "fr": r"\w+iemes?",
    "es": r"veinti\w+",
}
# The first days of a month.
FIRST_DAYS = {
    "en": r"\b(until|till|by|before) the (first|second)\b",
    "de": r"\b(bis zum|vor dem) (ersten|zweiten)\b",
    "fr": r"\b(jusqu'au|avant le) (premier|second)\b",
    "es": r"\b(hasta el|antes del) (primero|segundo|uno)\b",
}

# Months, weekdays and words that name a day. Months that are ordinary words in the
# language ("may", "march") are left out.
DATES = {
    "en": _words(
        """january february april june july august september october november december monday
        tuesday wednesday thursday friday saturday sunday tomorrow tonight midnight
        yesterday weekend christmas easter"""
    ),
    "de": _words(
        """januar februar marz april mai juni juli august september oktober november dezember
        montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag morgen
        ubermorgen mitternacht gestern wochenende weihnachten ostern"""
    ),
    "fr": _words(
        """janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
        lundi mardi mercredi jeudi vendredi samedi dimanche demain minuit hier noel paques"""
    ),
    "es": _words(
        """enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre
        noviembre diciembre lunes martes miercoles jueves viernes sabado domingo medianoche
        manana ayer navidad"""
    ),
}

# Code writes the greeting: a text that greets would greet twice, or greet by a name.
GREETINGS = _words(
    """hello hi hey dear hallo lieber liebe liebes sehr_geehrte geehrte geehrter moin servus
    guten bonjour bonsoir salut cher chere hola buenos buenas estimado estimada querido
    querida"""
)
TITLES = _words(
    """mr mrs ms dr prof sir madam herr herrn frau monsieur madame mademoiselle mme mlle senor
    senora senorita sr sra don dona"""
)
LINKS = _words("http https www ftp mailto com net org href url html")
# Common given names that are no ordinary words. Code writes no name before the text, so a name in
# it is wrong. In English, French and Spanish a capital letter inside a sentence shows one. In
# German, and at the start of a sentence, only a list can.
GIVEN_NAMES = _words(
    """ada adam alberto alejandro alexander alexandra alice alicia amelie ana andrea andreas angela
    anna anne annette antoine antonio arthur barbara beatriz ben bernard bernd birgit brian
    camille carla carlos carmen carol caroline catherine charlotte chloe christian christiane
    christina christine christoph christophe clara claude claudia cristina daniel daniela david
    deborah diana diego dieter dirk dominik donald dorothy eduardo edward elena elisabeth
    elizabeth emilia emily emma enrique eric erik eva felix fernando finn florian francisco
    francois frank franz friedrich gabriele george gerard gerhard gisela guillaume hannah hans
    harald heike heinrich heinz helen helga helmut henri henry holger horst hugo ines ingrid
    isabel isabelle jack jacob jacques james jan jane jason javier jean jennifer jens jessica
    jesus joachim johann johanna johannes john jonas jorge jose joseph juan juana julia julian
    julie jurgen karen karin karl karsten katharina kathrin kevin klaus kurt lars laura laurent
    lea lena leo leon linda lisa lou louis louise luc luca lucas lucia lucie luis lukas lydia
    manfred manuel manuela marc marcel marco marcus margaret maria marie mario marion mark
    markus marta martin martina mary mateo matthew matthias max maximilian melanie mia michael
    michel michelle miguel mohammed monika muhammad nadine nancy nicolas nicole niklas nina noah
    noel nora olaf oliver olivia pablo patricia patrick paul paula pedro peter petra philipp
    philippe pierre rafael rainer ralf raquel rebecca remi renate ricardo richard robert roger
    roland rolf ronald ruth sabine samuel sandra sara sarah sebastian sergio silke silvia simone
    sofia sofie sophia sophie stefan stefanie stephan stephanie steven sunita susan susanne sven
    sylvie tanja teresa theo thierry thomas thorsten tim tobias tom torsten ulrich ursula ute
    uwe valentina vanessa veronika veronique victor victoria walter werner wilhelm william
    wolfgang xavier yannick yves yvonne zoe"""
)
