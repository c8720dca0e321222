"""The words of Taboo: common English words, each with five others that it brings to mind."""

from __future__ import annotations

from functools import cache

from .word_forms import forms

# word /irregular form -word that only looks like a form: five hints. No hint is a form of its word.
WORDS = """
apple: fruit orchard cider red core
banana: fruit yellow peel monkey tropical
lemon: sour yellow citrus juice slice
grape: wine vineyard bunch raisin purple
cherry: pit blossom red pie stem
potato: fries mash starch vegetable dig
carrot: orange rabbit vegetable crunchy garden
onion: layers cry peel soup vegetable
tomato: red ketchup salad sauce vine
corn -corner -corners: yellow cob maize field popcorn
bread: loaf bake slice toast flour
butter: toast spread milk churn melt
cheese: milk mouse yellow slice cheddar
honey: bee sweet hive golden sticky
sugar: sweet cane white cube dessert
salt: sea pepper season white shaker
rice: grain asian bowl white paddy
soup: bowl spoon hot broth ladle
cake: birthday candle sweet bake frosting
chocolate: cocoa sweet bar brown dessert
egg: hen shell yolk omelette breakfast
coffee: bean cup morning caffeine espresso
tea: leaf cup kettle brew herbal
milk: cow white glass calcium dairy
wine: grape bottle red cellar cork
water: drink liquid river wet thirst
ice /icy: frozen cold cube skate winter
pizza: italian slice oven topping crust
sandwich: slices lunch filling ham picnic
dog: bark pet leash puppy bone
cat -cater -caters -cates: meow pet whiskers kitten purr
horse: saddle ride gallop stable mane
cow -cowed -cower -cowers: moo dairy pasture farm cattle
pig: pork farm mud oink snout
sheep: wool flock lamb shepherd pasture
goat: horns farm beard climb kid
chicken: poultry farm feather coop roast
duck: pond quack bill swim feather
mouse /mice: cheese small rodent squeak trap
rabbit: carrot ears hop burrow bunny
lion: mane roar pride savanna king
tiger: stripes jungle orange predator claws
elephant: trunk tusk huge grey memory
monkey: banana climb jungle tail primate
bear: honey hibernate cave grizzly forest
wolf /wolves: howl pack moon forest grey
fox: sly red den hunt bushy
snake: venom slither reptile hiss scales
frog: pond jump croak green tadpole
turtle: shell slow reptile sea swim
fish: swim gill fin water scales
shark: teeth fin ocean predator attack
whale: ocean huge mammal blubber spout
spider: web legs silk crawl bite
bee -beer -beers -being -beings: honey sting hive buzz flower
ant: colony tiny insect crawl hill
butterfly /butterflies: wings caterpillar insect colourful flutter
eagle: soar beak feather bald prey
owl: night wise hoot feather nocturnal
penguin: antarctic waddle ice black bird
parrot: talk colourful feather pirate beak
tree: trunk leaf branch forest root
flower: petal garden bloom scent bouquet
rose: thorn petal red valentine scent
grass: green lawn mow meadow field
leaf /leaves: tree green autumn fall branch
forest: trees woods wild hike animals
mountain: climb peak high snow summit
river: flow bank water bridge stream
ocean: waves deep water salt ship
island: surrounded water beach palm tropical
beach: sand waves towel sun shore
desert: sand dry camel hot cactus
volcano: lava erupt ash crater hot
lake: water fishing boat shore fresh
bridge: cross river span arch road
cave: dark bats underground rock bear
sun: shine hot star day sky
moon: night crater orbit tide full
star /starry -stared -stares -staring -starer: night twinkle sky bright constellation
planet: orbit earth mars round space
sky: blue clouds above bird plane
cloud: rain white sky fluffy grey
rain: umbrella wet drops cloud storm
snow: white winter cold flakes sled
wind: blow breeze kite turbine air
storm: thunder lightning rain clouds wild
thunder: lightning loud storm rumble clap
rainbow: colours arch rain sky prism
fire: flame hot burn smoke wood
smoke: chimney fire grey cough tobacco
shadow: dark light follow cast shape
summer: hot vacation sun beach july
winter: cold snow december ice coat
spring /sprang /sprung: bloom coil bounce season april
autumn: leaves fall harvest season october
morning: breakfast sunrise early dawn alarm
night: dark moon sleep stars late
birthday: cake candle gift party age
wedding: bride groom ring marry cake
holiday: vacation travel rest christmas beach
king: crown throne male castle rule
queen: crown royal wife bee chess
knight: armour sword horse castle medieval
castle: moat tower king medieval stone
sword: blade knight sharp fight steel
crown: king gold jewel head royal
dragon: fire wings scales myth treasure
ghost: haunt spirit white scare halloween
witch: broom spell hat magic cauldron
wizard: magic wand spell robe beard
pirate: ship treasure parrot hook sea
treasure: gold chest map buried pirate
doctor: hospital medicine patient sick nurse
nurse: hospital care patient doctor uniform
teacher /teach /taught: school class lesson chalk student
student: school exam learn homework university
farmer /farm: tractor crops field barn cattle
soldier: army war uniform march rifle
police /policeman /policemen: crime arrest badge siren law
thief /thieves /theft: steal robber crime night jewels
judge: court law gavel verdict robe
lawyer /law: court client defend contract judge
baker /bake /bakery: oven flour pastry dough early
cook: kitchen recipe chef stove meal
painter /paint: brush canvas easel colour art
singer /sing /sang /sung /song -singed -singes: voice stage microphone melody opera
dancer /dance: ballet music shoes rhythm stage
writer /write /wrote /written: novel pen author book page
pilot: plane cockpit fly captain airport
sailor /sail: ship sea anchor navy deck
astronaut: space rocket moon helmet orbit
clown: circus nose funny makeup juggle
magician /magic: trick rabbit wand hat illusion
baby /babies: cry crib diaper newborn bottle
mother: parent child family mum love
father: parent dad family son beard
brother: sibling sister boy family twin
sister: sibling brother girl nun daughter
friend: buddy trust together loyal companion
neighbour /neighbor: next door fence street live
house: roof home rooms family door
door: knob open hinge lock enter
window: glass pane view curtain open
roof: top shingles house leak chimney
wall: brick paint fence hang plaster
floor: carpet tiles ground mop walk
kitchen: stove cook sink fridge meal
bedroom: wardrobe pillow night dresser lamp
bathroom: shower toilet sink towel mirror
garden: plants flowers dig vegetables hose
fence: picket yard post border garden
chair: sit legs seat furniture cushion
table: legs dinner furniture wood top
bed: sleep pillow blanket mattress night
pillow: head soft sleep feathers bed
blanket: warm bed cover wool cosy
lamp: light bulb shade desk bright
mirror: reflection glass face wall vanity
clock: time hands tick hour alarm
candle: wax flame wick birthday light
carpet: rug floor wool vacuum red
curtain: window fabric stage drape close
key: lock door open metal ring
lock: key door secure safe bolt
box -boxing -boxer -boxers: cardboard package lid square gift
bag: carry handle shopping paper backpack
basket: woven picnic carry laundry ball
bottle: glass cork wine neck water
cup: drink handle coffee saucer mug
plate: dish dinner round food porcelain
spoon: soup stir cutlery silver scoop
fork: cutlery prongs eat knife road
knife /knives: sharp blade cut cutlery fork
oven: bake hot kitchen roast bread
fridge /refrigerator: cold kitchen food milk magnet
soap: wash bubbles clean hands lather
brush: hair teeth paint bristles comb
comb: hair teeth part brush barber
towel: dry bath beach cotton wet
scissors /scissor: cut paper blades sharp hairdresser
hammer: nail tool pound carpenter wood
nail: hammer finger polish wood pound
saw /sawn: cut wood blade teeth carpenter
ladder: climb rungs steps high fireman
rope: tie knot climb pull cord
needle: thread sew sharp haystack doctor
thread: needle sew spool cotton string
button: shirt press sew round coat
shirt: sleeves collar button cotton wear
shoe: foot laces sole leather walk
sock: foot wool pair shoe toe
hat -hated -hates -hater -haters -hating: head brim wear cap magician
coat: winter warm hood pocket button
glove: hand fingers winter boxing baseball
scarf /scarves: neck winter wool warm knit
dress: skirt wear party woman gown
ring: finger gold diamond wedding circle
necklace: jewellery neck pearls chain gold
watch: wrist time hands look strap
umbrella: rain wet handle open shelter
glasses: eyes lenses read frame vision
wallet: money pocket leather cards cash
money: cash bank coins pay rich
coin: metal flip money penny round
gold: metal yellow precious ring treasure
silver: metal grey medal spoon shiny
diamond: gem ring sparkle hard carat
iron -irony: metal steel rust magnet press
glass: window transparent break drink pane
paper: write page tree sheet fold
book: read pages library chapter author
pen -penny: ink write paper blue sign
pencil: write eraser lead sharpen draw
letter: mail envelope stamp alphabet write
newspaper: headlines daily journalist read print
map: directions country atlas legend treasure
photo /photograph /photographer: camera picture album smile frame
camera: photo lens flash picture film
phone /telephone -phony: call ring number talk mobile
computer /compute: keyboard screen mouse software internet
keyboard: type keys computer piano letters
television: watch screen channel remote show
radio: music station listen antenna waves
robot: machine metal automatic future arm
battery /batteries: charge power energy phone electric
magnet: attract iron poles fridge metal
rocket: space launch fuel astronaut fast
car -carry -cared -cares -caring -carer -carers: drive wheels road engine garage
bus -busy: passengers stop school driver public
train: tracks station rails locomotive passenger
plane: fly wings airport pilot sky
ship: sea captain sail anchor cargo
boat: row water sail lake float
bicycle: pedals wheels helmet ride chain
wheel: round spin tyre car steering
engine: motor car fuel power piston
road: drive street cars asphalt highway
tunnel: underground dark train mountain through
airport: plane luggage gate terminal passport
station: train platform ticket wait bus
hotel: room guest reception stay travel
hospital: ward ambulance sick surgery emergency
school: teacher learn class student pupils
library: books quiet shelves borrow read
church: pray bell priest steeple sunday
museum: art exhibit history paintings dinosaur
theatre /theater: stage actor play curtain audience
restaurant: menu waiter meal tip chef
market: stalls buy vegetables sell vendor
bank: money loan vault account river
prison: cell bars crime guard jail
circus: clown tent acrobat elephant ring
zoo: animals cage lion visit keeper
park: bench trees playground walk swings
football: goal team kick field ball
tennis: racket net court serve ball
basketball: hoop dribble court tall dunk
golf: club hole green course ball
chess: king board pawn checkmate bishop
swim /swam /swum: pool water stroke dive lane
run /ran -runes: fast legs marathon race jog
jump: high leap rope kangaroo trampoline
climb: ladder mountain up rope rock
sleep /slept /asleep: bed dream night tired snore
dream /dreamt: sleep night nightmare imagine wish
laugh: joke funny smile loud comedy
cry /cries: tears sad baby onion weep
smile: happy mouth teeth photo face
kiss: lips love romantic cheek wedding
music: melody notes listen band instrument
piano: keys music black concert grand
guitar: strings pluck music chord band
drum: beat sticks band loud rhythm
violin: bow strings orchestra music chin
trumpet: brass blow jazz horn loud
bell -belly: ring church tower chime doorbell
game: play rules win board fun
doll: toy girl dress plastic play
kite: wind string fly sky tail
balloon: air helium party float pop
gift: wrap present birthday ribbon surprise
head: neck hair brain hat skull
hair: comb cut blonde curly head
eye: see blink lash blue vision
nose: smell face sneeze nostril breathe
mouth: lips teeth speak tongue eat
tooth /teeth: dentist bite brush mouth white
hand: fingers palm glove wave hold
finger: hand ring point thumb nail
foot /feet: toes shoe walk leg sock
heart: love beat blood chest valentine
blood /bled /bleed: red vein heart donor vampire
bone: skeleton dog break calcium skull
brain: think skull smart mind nerves
medicine /medicinal: pill doctor cure sick pharmacy
cold: winter ice sneeze shiver snow
war -wary -wares: soldier battle army peace weapon
peace: dove war treaty calm quiet
love: heart romance kiss valentine adore
secret: hidden whisper tell password keep
winner /win /won -wined -wines -wining: prize first champion race medal
number: count digit math seven phone
circle: round shape radius ring pi
triangle /triangular: three sides shape angle pyramid
colour /color: paint red rainbow blue crayon
black: dark colour night white coal
green: grass colour emerald leaf envy
"""


@cache
def hints() -> dict[str, frozenset[str]]:
    """The five hints of each word."""
    return {word: associated for word, _, _, associated in _entries()}


@cache
def all_forms() -> dict[str, frozenset[str]]:
    """What counts as saying each word."""
    return {word: forms(word, irregular, others) for word, irregular, others, _ in _entries()}


@cache
def vocabulary() -> tuple[str, ...]:
    """The words and their hints, each once, sorted."""
    return tuple(sorted({*hints(), *(hint for associated in hints().values() for hint in associated)}))


@cache
def _entries() -> tuple[tuple[str, tuple[str, ...], tuple[str, ...], frozenset[str]], ...]:
    """Word, irregular forms, words that are no forms, hints."""
    entries = []
    for line in WORDS.strip().split("\n"):
        head, associated = line.split(": ")
        word, *notes = head.split(" ")
        irregular = tuple(note[1:] for note in notes if note[0] == "/")
        others = tuple(note[1:] for note in notes if note[0] == "-")
        entries.append((word, irregular, others, frozenset(associated.split(" "))))
    return tuple(entries)
