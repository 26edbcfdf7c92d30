"""Plain words by language, for everyday.py. A word with + or * stands for all its forms.

Subjects: greeting and thanks, time as a customer, enjoying and ordering, features, help, opinions.
Some words are excluded on purpose, because harmless words can do harm together with them: not, no,
never, without, do; go, leave, stay, come, keep, back, again, another, chance, before, last, while,
still; all, every, always, orders, surprise; sorry; possessions, money, body, health, faith, law.
"""

VOCABULARY = {
    "en": """
a able about absolutely accept accepting accepts accompanied accompanies accompany achiev* across
actually add advantage advice afternoon ahead aim aims allow allows along already also amazing among
an and answer+ anytime appear+ appreciate appreciated appreciates appreciating appreciation
appreciative are around arrang* as ask+ assist+ assistance at attend+ attention attentive
attentively available await+ basket be beautiful because been behalf being believ* belong+ benefit+
beside best better between beyond big bit boost bright brighten+ brighter brilliant bring+ brought
browse browsing build building built but by calm can care cared cares caring charming chat cheer+
cheerful cherish cherished choice choices choose choosing clear clearly client clients closely
closer colour colourful colours comfort comfortable comfortably comforts commitment committed
community companion company complete completely confidence confident connect+ connection consider+
considerate contact+ content continued convenience convenient conveniently convey corner cosier cosy
could count+ couple creat* creative creativity curiosity curious customer customers d daily dear
dearly dedicat* dedication deep deeper deepest deeply delight+ delightful delve deserve deserved
deserves details devoted devotion difference different direct directly discover+ discoveries
discovery disposal dive diving eager ease easier easily easy effort effortless effortlessly efforts
elegant elevat* embrac* enabl* enchanted encourag* encouragement endless energy engag* enhanc*
enhancement enjoy+ enjoyable enjoyment enlighten+ enrich+ enrichment ensure enthusiasm enthusiastic
especially esteemed evening exactly excellent exceptional excited excitement exciting experienc*
explain+ explor* express expressing expression extend extremely fabulous faces fair faithful
familiar fan fans fantastic favorite favorites favour favourable favourite favourites feature
features feedback feel+ few fill+ find+ fine fingertips first flexible flourish+ fond for fortunate
forward found fresh friendly from fulfilling full fully fun function functions further gain gained
gather+ generous generously gentle genuine genuinely gesture get+ getting give given gives giving
glad gladly glimpse glow+ goal goals good grab graceful gracious grateful gratefully gratifying
gratitude great greater greatest greatly greet+ greetings grew grow+ grown guest guests guid*
guidance hand handle handled hands handy happen+ happier happily happiness happy has have having
hear+ heart heartening heartfelt heartily hearts hello help+ helpful here hey hi highlight highly
honest honestly honor+ honour+ hop* hopefully how hug hugs humble humbly idea ideal ideas if imagin*
imagination immense immensely important impressed improv* improvement improvements in incredible
incredibly individual indulge indulging input inside insight insights inspir* inspiration interest+
into intuitive invit* invitation involv* is it its join+ joy joyful joys jump just keen kind kinder
kindest kindly kindness kinds know lasting latest learn+ let lets letting life lift lifts light
lighten+ lightly like liked likes list listen+ little ll long longstanding look+ lot lots lov*
lovely loyal loyalty luckily made magic main mak* many marvellous marvelous matter+ may mean+
meantime meet+ member members mention+ message mind mindful minds minutes modern moment moments
morning motivated moved much natural naturally near neat need+ new newer newest newly news next nice
nicely nicer nicest note noticeable now nurture of offer offered offering on one ongoing open+
opinion opinions or order ordering our ours ourselves out outstanding over pace pamper+ part
particular particularly passion passionate patience patient peaceful peek perfect perfectly perhaps
pick+ place plan planning plans play+ pleasant pleasantly please pleased pleases pleasing pleasure
pleasures plenty polite positive possibilities possibility possible practical precious prepar*
presence pretty pride priorities priority privilege project projects proud proudly provid* purchase
purpose put puts putting queries query question questions quick quickly quite rather re reach+ ready
real really receive received receiving recognis* recogniz* recommend refresh refreshing regards
regular relat* relationship relax relaxed relaxing relevant reliable relish+ rely remarkable reply
request requests respect respected respond+ response richer right role round s said satisfaction
satisfied satisfies satisfy savour+ say saying see seeing seek seem+ sense serve service services
serving set settle shape shaping shar* shin* shopping short should show+ side sign simple simpler
simplest simply since sincere sincerely sincerity sip small smart smil* smooth smoother smoothly so
solution solutions solv* some someone something soon sort space spark sparkle speak speaking special
specially splendid splendidly spoil+ spread spreads stand start+ step steps story success successful
such suggest suggestion suggestions suit suitable suited suits sunny sunshine super superb support+
supportive sure surely sweet sweeter tailored tak* talent talents talk+ task tasks taste tasteful
tastes team teams tell+ terrific test tests than thank+ thankful thankfully that the their them
there therefore these they thing things think thinking this those though thought thoughtful
thoughtfully thoughts thrilled thrive thriving through throughout time timely times tip tips to
together too top touch touched toward towards treasur* treat+ tremendous tried true truly trust+
trustworthy try trying turn+ understand unforgettable unique unwind up uplifting us us* useful user
users usual utmost valu* valuable variety various ve versatile very via vibrant view views visit
vivid voice voices wait+ want+ warm+ warmer warmest warmly warmth wave waves way ways we welcom*
well wellbeing what whatever when whenever where wherever whether which whichever who whom whose why
wide wider will willing wisely wish wished wishes wishful wishing with within wonder+ wonderful
wonderfully word words work+ world worth worthwhile worthy would yes you your yours yourself
""",
    "de": """
ab abend abenteuer aber abwechslung abwechslungsreich+ aktiv+ aktuell+ aller allerbest+ alltag als
also am an anerkennen anerkennung anfang anfangen angebot angenehm+ anliegen anregung anregungen
anschluss ansicht ansichten ansprechbar ansprechend+ antwort antwort* anwenden arbeit arbeiten auch
auf aufgehoben aufmerksam+ aufmerksamkeit aufmerksamkeiten aufrichtig+ aufs aus ausdruck ausdrücken
ausführlich+ ausgesucht ausgewählt+ ausgezeichnet+ ausprobieren ausprobiert außerdem aussuchen
austausch austauschen auswahl auswählen auszuprobieren beantwort* bedank* bedeuten bedeutet
bedeutsam+ bedienen bedürfnis bedürfnisse beeindruckt+ begeister* begeister+ begeistern begeistert+
begeisterung beginn begleit* begleitend+ begleitung begrüß* behilflich bei beigetragen beim
beitragen bekommen beliebt+ bemühen bequem+ bereichern bereichert+ bereit* bereit+ bereitgestellt
bereits besonder+ besonders besser+ best+ bestellen bestellung bestens besuch besuch* betreu*
betreut+ betreuung bewusst+ beziehung biet* bisschen bitte blick blicke brauchen bring* bunt+
community da dabei dadurch dafür daher damit dank dank* dankbar+ dankbarkeit dankend dankeschön
dankesgruß dankesworte daran darauf darf darüber das dass davon dazu dem den denn der deren deshalb
deswegen die dies+ ding dinge direkt+ doch durch durchstöbern dürfen dürfte eben ebenfalls ebenso
echt+ ehr* ehrlich+ eigen+ ein+ einblick einblicke eindruck eindrücke einfach+ einiges einkauf
einkaufen einkaufserlebnis einladen einladung einlösen einsetzen einzigartig+ empfehl* empfinden
empfindet entdeck* entdeckung entdeckungen entgegenkommend+ entspannt+ entspannung entwickel*
entwickeln erfahren erfahrung erfahrungen erfolg erfolgreich+ erfreu* erfreulich+ erfrischend+
erfüll* ergänzen erhalt* erkund* erleb* erlebnis erlebnisse erleichtern erleichtert ermöglich*
erreich* erreichbar erst+ erstklassig+ erwart* erwartung erwartungen erzähl* es etwas fachwissen
fantastisch+ feedback feier feiern fein+ find* frag* freu* freude freudvoll+ freundin freundinnen
freundlich+ freundlichkeit freundschaftlich+ frisch+ froh+ fröhlich+ füg* fühl* funktion funktionen
für ganz geben geborgen+ gebucht gedacht gedanke gedanken gedankt geduld geduldig+ geehrt+ gefall*
gefreut gefühl gefühlvoll+ gefunden gegeben gehofft geholfen gehör gehören gehört gelassen
gelassenheit gelegen gelegentlich gelernt gelungen+ gemacht gemeinsam+ gemeinsamkeit+ gemeinschaft
gemütlich+ genau genieß* genossen genügend+ genutzt geöffnet gerade gern gerne geschaffen geschätzt+
geschmack gesichert gesorgt gespannt+ gespräch gestalt* geste gestellt geteilt getroffen gewähr*
gezeigt gibt gleichzeitig glück glücklich+ gönn* groß+ großartig+ größte größten gruß grüß* gut+
habe haben hallo hand harmonisch+ hat hätte hätten heiter+ helf* hervorragend+ herz herzen herzens
herzensangelegenheit herzenswunsch herzlich+ herzlichkeit herzlichst hey hier hilfe hilfreich+
hilfsbereit+ hilft hineinschauen hinterlegt hinweis hinweise hinzugefügt hoff* hoffentlich höflich+
holen hör* ideal+ idee ideen ihm ihn ihnen ihr+ ihrerseits im in info infos innovativ+ ins
inspiration inspirationen inspirier* inspirierend+ inspiriert+ intensiv+ interessant+ interesse
interessier* ist jetzt jeweils kann kennenlernen klar+ klein+ kleinigkeit kollegen kolleginnen
komfort komfortabel komfortabl+ kommende kommenden kommender kompetent+ können könnte könnten
kontakt kostbar+ kreativ+ kreativität kümmern kümmert kunde kunden kundenbetreuung kundenbeziehung
kundenservice kundin kundinnen kundschaft künftig+ kurz+ lach* lächeln lächelt lang+ langjährig+
lassen laune leben lebensfreude lebensfroh+ leg* leicht+ leichtigkeit leist* lern* lieb* lieb+
liebenswert+ liebevoll+ lieblings lieblingsfunktion lieblingsfunktionen liegen liegt lohnend+ lohnt
lösen loslegen lösung lösungen lust mach* mal man mehr mein* meinung meinungen melden minute minuten
mit mitarbeiter mitarbeiterinnen mitbringen miteinander mitgebracht mitgestalten mitglied mitglieder
mittag mitteilen mitten möcht* modern+ möge mögen möglich+ möglichkeit möglichkeiten möglichst
moment momente morgen motivier* motiviert+ mühelos+ mut mutig+ nachmittag nachricht nächst+ nah+
namen natürlich+ nehm* nett+ neu+ neuerungen neueste+ neugestaltet+ neugier neugierig+ neuheit
neuheiten neuigkeit neuigkeiten noch nun nutz* nutzerfreundlich+ nützlich+ nutzung ob oder offen+
offenbar öffn* ohr ohren ort passend+ passt perfekt+ pfleg* plan plan* platz positiv+ praktisch+
priorität prioritäten probier* profitier* projekt projekte pünktlich+ qualität red* reibungslos+
reinschauen reserviert richtig+ rückmeldung ruhe ruhig+ rund rundherum rundum sache sag* sanft+
schaff* schätz* schau schau* schnell+ schön+ schönste+ schreib* schritt schritte seh* sehr sei seien
sein+ seit seite selbst selbstverständlich+ service setz* shoppen sich sicher+ sichern sichtweise
sie sind sinn so sodass sofern sofort sogar sonne sonnenschein sonnig+ sorg* sorgfalt sorgfältig+
sowie spannend+ spaß speziell+ spür* stärk* start starten steh* stell* stimm* stimmung stöbern
stolz+ strahlend+ super süß+ sympathisch+ tag tatsächlich team teams teil teil* teilhaben teilnahme
teilnehmen tief+ tipp tipps toll+ trag* tragende treff* treu+ über überaus überzeug* um umschauen
umsetzen umso und ungestört+ ungezwungen+ unglaublich+ unkompliziert+ uns unser+ unsererseits
unterhaltsam+ unternehmen unterstütz* unterstützung unterwegs verbessern verbessert verbesserung
verbesserungen verbesserungsvorschlag verbesserungsvorschläge verbindung verbracht verbringen
verbunden+ verbundenheit verdien* verehrt+ vereinfach* verfügung vergnügen verschönern verständnis
verstehen versteht vertiefen vertrau* vertrauensvoll+ vertraut+ verwend* verwöhn* viel+ vielfalt
vielfältig+ vielmals vollkommen+ vollständig+ vom von vorbeischauen vorbereitet vorfreude vorlieben
vorschlag vorschläge vorstellen vorteil vorzüglich+ wachs* wahl wähl* wahr+ wahrhaft wäre wären
warm+ wart* warum was wegen weil weise weitere+ weiterentwickeln weiterhelfen welche welcher welches
welt wenden wenn wer werden werdet werfen wert+ wertgeschätzt+ wertschätzung wertvoll+ wichtig+ wie
willkommen wir wird wirft wirk* wirklich+ wissen wo wofür wohl wohlbefinden wohlergehen wohlfühlen
wohltuend+ wohlwollend+ woll* womit worauf wort worte worüber wozu wunder wunderbar+
wunderbarerweise wunderschön+ wundervoll+ wunsch wünsch* wunschliste würd* würdigen zauber
zauberhaft+ zaubern zaubert zeichen zeig* zeit zeitlos zögern zu zudem zufrieden+ zufriedenheit
zugewandt+ zügig+ zuhören zukunft zukünftig+ zum zuneigung zur zusammen zusammenarbeit zuverlässig+
zuversicht zuvorkommend+
""",
    "fr": """
à accompagn* accompagnement accord* accueil accueille accueilli accueillir accueillons achat adapté+
ador* adorable adress* afin agréable agréables aid* aidé+ aim* aimeriez aimerions ainsi aisance
aisément ajout* alors amélior* amicale amicalement anim* apport* appréci* apprendre assistance
attach* attend attendent attendons attente attentes attentif attention attentionné+ attentive au
aura aurez aurons aussi autant autour aux avancer avançons avantage avantageux avec aventure avez
avis avoir avons ayez beau beaucoup bel belle belles bénéficier bénéficiez besoin besoins bien
bientôt bienveillance bienvenu+ bon bonheur bonjour bonne bonnes bons bonsoir bout brillant+ c ça
car cas ce cela célébrer celle celui ces cet cette ceux chaleur chaleureuse chaleureusement
chaleureux chanceux charm* charmant+ chaud chaude chauds cher chère chères chers chez choisi choisir
choisissant choisissez choix clair+ clairement client+ clientèle clin coeur cœur commande commander
comme communauté compagnie compt* conçu+ confi* confiance confiant+ confort confortable
confortablement connaître consacr* conseil conseils consult* contact contacter content+ contribu*
convivial+ convivialité cordialement côté côtés couleur couleurs coup court+ cré* créatif créative
créativité curieuse curieux curiosité d dans de début découverte découvertes découvre découvrez
découvrir découvrons délicat+ délicieux demand* démarrer depuis des dès désir désir* désormais
détail détails détendu+ détente développ* deviennent devient dialogue dire disponible disponibles
dispose disposez disposition dit dites doigts donc donn* dont douce douceur doux du échang* éclair*
écout* écrire efficace efficacement efficaces effort efforts également égard égards élan elle elles
en enchant* enchanté+ encourager énergie enfin engagement enrichir enrichissant+ enrichit ensemble
ensuite enthousiasme enthousiaste entre entreprise envie envies épaul* équilibre équipe équipes es
espér* esprit essayer essayez essentiel+ est estim* et étant étape été être eux évolue évoluer
évolution excellent+ exceptionnel exceptionnelle exceptionnels exemple expérience expériences
explor* exprès exprim* extraordinaire extraordinaires fabuleux facile facilement faciles facilit*
façon faire fais faisons fait faites familier familière fantastique faut favori favoris favorite
fera ferez ferons feront fêt* fidèle fidèlement fidèles fidélité fier fière fiers fierté fil
finement flatt* fonction fonctionnalité fonctionnalités fonctions fondamental font form* formidable
gât* général gentil gentille gentillesse geste goût goûts grâce gracieuse grand+ grandi grandir
grandissons grandit gratitude guid* guise habituel+ harmonie harmonieux heureuse heureusement
heureuses heureux honneur honor* honoré+ humain humaine humains humeur ici idéal+ idée idées il
illumin* imagin* immense impatience impatient+ important+ importe importent impression individuel
infiniment innovant+ inspir* inspirant+ inspiration instant instants intéress* intéressant+ intérêt
invit* invitation jeter joie joies joli+ joliment joyeuse joyeusement joyeux l la là laisser laissez
lanc* large le lecture léger légère les leur liberté librement lire lisez long longtemps longue lors
lorsque lu lui lumière lumineuse lumineux magie magnifique main mains maintenant mais manière marque
marquer meilleur+ membre membres même mémorable merci mérit* merveilleuse merveilleux message mieux
minute minutes mise mode moderne moment moments monde montr* mot motivant+ motivé+ mots n naturel
naturelle naturellement nécessaire nombreuses nombreux nos not* notre nous nouveau nouveauté
nouveautés nouveaux nouvel nouvelle nouvelles nuance nuances occasion occasions occup* œil offrant
offre offrir offrons on ont opinion optimal+ orient* original originale ou où ouvert+ ouvrir ouvrons
paisible panier par parce parcourir parcours parfait+ parfaitement parl* parmi part partag* partagé+
partageons particip* particulier particulière particulièrement pass* passion passionnant+ passionné+
patience pendant pens* permet permettez permettre personnalisé+ petit+ peu peut peuvent plac* plaira
plaire plaise plaisir plaisirs plaît plein+ pleinement plonger plongez plus port* positif positive
possibilité possibilités possible pouce pour pourquoi pourra pourrez pourriez pouvez pouvoir pouvons
pratique pratiques précieuse précieusement précieuses précieux préfér* préféré+ prendre prendrez
prenez prenons prépar* près présence présent* présents prêt+ preuve priorité priorités pris prochain
prochaine proche proches profit* progresser projet projets propos* propre puis puisse puissiez qu
qualité qualités quand que quel quelle quelles quelqu quelque quelques question questions qui quoi
quotidien quotidienne quotidiennement quotidiens raison raisons rapide rapidement rapides rassur*
ravi+ réaliser recevez recevoir recevrez recommand* reconnaissance reconnaissant+ reçu réel+
réellement régulier régulière régulièrement rejoindre réjouir réjouis réjouissons réjouit relation
remercie remerciement remerciements remercier remercions remplir remplit rencontr* rend rendent
rendez rendre rendu renseign* répond répondent répondons répondra répondre répondu réponse réponses
réserv* respect respectueuse respectueux ressenti ressentir réussi+ réussir réussite rêve rêver
rêves riche riches rien rythme s sa sache sachez salu* salutations satisfaction satisfait+ savoir
savour* se selon sembl* sens sentiez sentir sera serait serein sereine sereinement sereins sérénité
serez seriez serions serons seront sert servi serviable service services servir servons ses shopping
si signe simple simplement simples simplicité simplifi* sincère sincèrement sincères sincérité soi
soigné+ soigneusement soin soit soleil solution solutions sommes son sont soucieux souhait*
souriant+ sourire sourires sourit soutenez soutenir soutenu+ soutien soyez spécial spéciale
spécialement spéciales spéciaux splendide style su suffit suggestion suggestions suis suite super
sur sûr surprendre surtout sympathie sympathique tant tel telle tellement témoign* temps tendre
tendresse tenir tenons tenue test* tient touch* touché+ tour toute toutefois tranquille
tranquillement tranquillité très trésor trésors trouv* un une unique univers usage utile utiles
utilis* utilisation valeur valoris* varié+ variété veill* véritable véritablement verrez vers
veuillez vie vient vif visit* vite vive vivement vivre vœux voici voilà voir voix volonté volontier
volontiers vos votre voudriez voudrions vouloir voulons voulu vous voyez vrai+ vraiment y
""",
    "es": """
a abiert+ abrazo abrazos abre abrimos abrir acept* acogedor acogedora acompañ* acompañarles adelante
además afecto agrad* agradable agradables agradece agradecemos agradecer agradecerle agradecérselo
agradecid+ agradeciéndole agradecimiento agradezco agregado aguardan ahora al alcanz* alegr* alegres
alegría algo algún alguna aliento amabilidad amable amables amigable ánimo ánimos antoja apasion+
apetece aport* apoy* apoyo apreci* apreciad+ aprecio aprenda aprende aprender aprovech* aprovecharla
aprovecharlas aprovecharlo aquí así asimismo asistencia atención atenciones atendemos atender
atenderá atenderle atendid+ atent+ atentamente atiende avanz* ayud* ayudaría basta bastan bella
bello beneficiarse bien bienestar bienvenid+ bonita bonito breve brevemente brillante brind* buen
buen+ cálid+ calidad calidades cálidamente calidez calma camino cariño cariñosa cariñoso casa
celebr* cercana cercanía cercano clara claro clienta cliente clientela clientes comentarios comenzar
comience comienzo como cómo cómoda comodamente cómodamente comodidad cómodo compañía comparta
comparte compartido compartimos compartir complace complacer complacid+ compra común comunidad con
conectar confi* confiad+ confianza conocer conocerle conocernos consentirse consiéntase consulta
consultas cont* contacte contacto content+ contest* conveniente conversación conversar corazón
cordial cordiales cordialmente cosa cre* creativ+ creatividad crecemos crecer crecimiento cual
cualidad cuando cuánto cuenta cuente cuéntenos cuid* curios+ curiosidad da damos dan dar darle darse
de decir decirle dedic* dedicación dedicad+ dedique del desarrollar descubierto descubra descúbralas
descubre descubrimiento descubrir descubrirlas desde dese dese* deseo deseos destac* destacad+
detalle detalles dice dicha dichos+ diferente diga díganos diseñad+ disfrut* disfrutarla
disfrutarlas disfrutarlo dispone disponga disponible disponibles disposición dispuest+ diversión
divertida divertido dudas durante e echar eche eficaz eficazmente eficiente ejemplo el elección
elegido elegir elegirnos eligieron eligió elija ello emocion* emoción emocionad+ empezar empiece
empresa en encant* encantad+ encantador encantadora encantaría encanto encontr* encuentra encuentran
encuentre energía enfoc* enhorabuena enorme enriquec+ enriquece enriquecer enseñ* entonces entre
entreg* entretenid+ entusiasmad+ entusiasmo equilibrio equipo equipos es escoger escuch* ese
esencial esfuerzo esfuerzos eso espacio especial especiales especialmente esper* espíritu esta está
estado estamos están estar estaremos estaría este estim* estimad+ esto estupend+ excelencia
excelente excelentes excepcional excepcionales éxito experiencia experiencias explor* explorarlas
explórelas expres* extraordinari+ fabulos+ fácil fáciles facilidad facilit* fácilmente familiaridad
fantástic+ favor favorita favoritas favorito favoritos felices felicidad felicit* feliz fidelidad
fiel fieles fondo form* formas fortalecer función funciones fundamental general generosidad genial
gentil gesto goce gozar gracias gran grande grandes grata gratitud grato guía gust* gustaría gusto
gustos ha haber habernos habitual hablar hace hacemos hacen hacer hacerle haga hagamos hall* han
hará haremos hay hecha hecho hemos hermosa hermoso hola honesta honesto honor honr* honrad+ hubiera
humana humano idea ideal ideales ideas igualmente ilumin* ilusion* ilusión ilusionad+ imagin*
import* importancia importante importantes incluso increíble increíbles inigualable inmensa inmenso
inolvidable inspir* inspiración instante instantes interés interesante interesantes invit*
invitación junt+ la lado larga largo las le leal lealtad les lista listas listo listos llen* lleno
lo logr* logros los luminosa luminoso magnífic+ manera mano manos maravilla maravillas maravillos+
más máximo mediante mejor mejor* mejoras mejores mensaje merece merecemos merecen merecid+ miembro
miembros mim* mimarse mímese mimo mimos minuto minutos mir* mism+ moderna moderno momento momentos
mostr* motiv* motivo motivos mucha muchas mucho muchos muestra mundo muy natural naturalmente
necesidad necesidades necesita necesite noche noches nos nosotr+ not* noticia noticias novedad
novedades novedos+ nuestr+ nuev+ numerosas numerosos o objetivo objetivos ocasión ocup* oferta
ofrece ofrecemos ofrecer ofrecerá ofrecerle ofreciendo ofrecieron oiga ojalá opción opciones opin*
opinión opiniones oportuna oportuno orgullo orgullos+ orgullosamente orient* original otorg*
paciencia palabra palabras para parece parecer parte particip* partido pas* pasarlo pasión paso
pasos paz pedido pedir pens* pequeñ+ perfecta perfectamente perfecto perfectos permita permítanos
permite permiten permitir permitirá pertenecer pida piensa piensan placer plena plenamente pleno
podamos podemos poder podrá podría podríamos por porque posibilidad posibilidades posible posibles
positiv+ práctic+ precisa preferencias preferid+ pregunt* preguntas prepar* preparad+ presencia
present* prioridad prioridades prob* probarlas profunda profundamente profundo pronto propia propio
próxim+ próximamente proyecto proyectos pruebe pruébelas pueda puede pueden puerta pues punto pura
puro que qué queremos querer quererle querid+ quien quienes quiera quiere quisiera quisiéramos
rápida rápidamente rápido rato razón razones realizar realmente recib+ recibe recibir recibirá
recomend* reconocimiento record* recorrido recuerdo relación relaj* relajad+ resolver resolverá
respald* respet* respeto respetuosa respetuoso responda respondemos responder respuesta respuestas
resulta resultado resultar rica rico rincón ritmo sabe saber saberlo sacar sacarle sacarles salud*
saludo saludos saque satisfacción satisfech+ se sea sean segura seguro sencill+ sencillamente
sencillez sensación sensacional sentido sentimiento sentimos sentir sentirá sentirse ser será serán
seremos serena sereno sería servicio servicios servir servirle si sí sido siendo sienta siéntase
siente significa significado significan siguiente simpatía simpatic+ simple simplemente simplific*
sincera sinceramente sincero sinceros sirve sobre solución soluciones somos son sonreír sonría
sonríe sonriente sonrisa sonrisas sorprenda sorprendent+ sorprendente sorprendentes sorprender su
sugerencia sugerencias sum* supuesto sus también tan tanto tarde tardes tendrá tendremos tenemos
tener tenerle tenga tenido tiempo tiene tienen tierna tierno toda tom* tomarse tómese toque trabaj*
trabajo tranquil+ tranquilamente tranquilidad trato través tu un una única único unid+ us* usarlas
usted útil útiles valiosa valioso valor valor* valorad+ valores vari+ variad+ variedad veamos
ventaja ventajas ver verá verdadera verdaderamente verdadero vida visit* vistazo viva vivir voluntad
voz y ya
""",
}
