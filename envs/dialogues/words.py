"""Common English words of five letters, for Wordle."""

from __future__ import annotations

_WORDS = """
about above actor acute admit adopt adult after again agent agree ahead alarm album alert alike alive allow alone
along alter among anger angle angry apart apple apply arena argue arise armor aside asset audio avoid awake award
aware badly baker basic basis beach beard beast began begin being below bench berry birth black blade blame blank
blast blaze bleed blend bless blind block blood bloom board boast bonus boost booth bound brain brake brand brass
brave bread break breed brick bride brief bring broad broke brook brown brush build bunch burst buyer cabin cable
camel canal candy cargo carry carve catch cause cease chain chair chalk charm chart chase cheap check cheek cheer
chess chest chief child chill choir chose civil claim clash class clean clear clerk click cliff climb clock close
cloth cloud clown coach coast coral couch cough could count court cover crack craft crane crash crawl crazy cream
creek crime crisp cross crowd crown crude cruel crush curve cycle daily dairy dance death delay depth diary dirty
donor doubt dough dozen draft drain drama dream dress dried drift drill drink drive drove dusty eager eagle early
earth eight elbow elder elect empty enemy enjoy enter entry equal error essay event every exact exist extra fable
faint fairy faith false fancy fault favor feast fence fetch fever fiber field fifth fifty fight final first flame
flash fleet flesh float flock flood floor flour fluid flute focus force forge forth forty found frame fraud fresh
front frost fruit fully funny ghost giant given glass globe glory glove grace grade grain grand grant grape graph
grasp grass grave great green greet grief grill groom gross group grove guard guess guest guide habit happy harsh
hasty haunt heart heavy hello hobby honey honor horse hotel house human humor hurry ideal image imply index inner
input irony issue ivory jelly jewel joint judge juice jumbo knife knock known label labor large laser later laugh
layer learn least leave legal lemon level lever light limit linen liver local lodge logic loose lover lower loyal
lucky lunch magic major maker manor maple march match maybe mayor medal media melon mercy merge merit merry metal
meter might minor mixed model money month moral motor mount mouse mouth movie muddy music naked nerve never newly
night ninth noble noise north novel nurse ocean offer often olive onion opera orbit order organ other ought ounce
outer owner paint panel panic paper party pasta patch pause peace peach pearl pedal penny phase phone photo piano
piece pilot pinch pitch pizza place plain plane plant plate plaza point polar porch pound power press price pride
prime print prior prize proof proud prove pulse punch pupil purse queen query quest quick quiet quite quota quote
radar radio raise rally ranch range rapid ratio reach react ready realm rebel refer reign relax reply rider ridge
rifle right rigid rival river roast robin robot rocky rough round route royal rugby ruler rural salad sauce scale
scare scarf scene scent scope score scout sense serve seven shade shake shall shame shape share shark sharp sheep
sheet shelf shell shift shine shirt shock shore short shout shown siege sight silly since sixth sixty skill skirt
slave sleep slice slide slope small smart smell smile smoke snack snake solar solid solve sorry sound south space
spare speak speed spell spend spice spike spine split spoke spoon sport spray squad stack staff stage stain stair
stake stamp stand stare start state steal steam steel steep stern stick still sting stock stone stool store storm
story stove straw strip stuck study stuff style sugar suite sunny super sweat sweet swift swing sword table taste
teach tempo tenth thank theft their theme there thick thief thing think third those three throw thumb tiger tight
timer tired title toast today token tooth topic torch total touch tough tower toxic trace track trade trail train
trait treat trend trial tribe trick troop truck truly trunk trust truth tulip twice twist uncle under union unite
unity until upper upset urban usage usual valid value vapor video virus visit vital vivid vocal voice voter wagon
waist waste watch water weary weigh weird whale wheat wheel where which while white whole whose widow width woman
world worry worse worst worth would wound wreck wrist write wrong yacht yield young youth zebra
"""

FIVE_LETTERS = tuple(_WORDS.split())
