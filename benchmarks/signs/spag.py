"""SPAG: epochs of self-play at Taboo rate one above the other in both roles, and teach what things are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Sampling
from palaestra.agents.pretrained import load_model, load_policy
from palaestra.arena.anchors import score
from palaestra.arena.exploitability import would_say
from palaestra.arena.matches import MatchJob, play_matches
from palaestra.arena.ratings import Match, Rating, bradley_terry
from palaestra.arena.run_folder import RunFolder
from palaestra.envs.games import Taboo, make_game
from palaestra.envs.games.taboo import DEFENDER, TERSE, Talk, careless
from palaestra.envs.games.taboo_world import things
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, EpisodeStore
from palaestra.trainers.batch import pack
from palaestra.trainers.evolve import warm_round
from palaestra.trainers.recipe import Recipe, load_recipe
from palaestra.trainers.reference import logprobs_under
from palaestra.trainers.session import Session

from ..systems.scores import tokens as spent
from . import runs
from .play import share
from .sign import SMOKE, Arm, Claim, Measured, Place, Sign

RECIPE = "systems/spag"
EPOCHS = ("0", "1", "2", "3")  # 0: the imitation that self-play began with
OTHERS = ("imitation", "shuffled")  # beside the last epoch: imitation continued, and outcomes dealt out at random
ROLES = ("attacker", "defender")
TALKS = 6  # about each thing that inference is asked of
SHORTER = 4  # times fewer matches and updates at smoke size
RATE = 5e-4  # of imitation continued, as on the systems' board; it does not fall


def _evolved(place: Place, control: str) -> Path:
    """The run of SPAG, or of its control, from the seed's imitation; in its league each epoch's policy is frozen."""
    start = runs.warm(place, RECIPE)
    evolve = load_recipe(RECIPE).evolve
    part = SHORTER if place.sizes is SMOKE else 1
    size = {"problems": evolve.problems // part, "updates": evolve.updates // part}

    def make(folder: Path) -> None:
        runs.evolved(replace(place, folder=folder), RECIPE, start, {"evolve": {"control": control, **size}})

    return share(place, f"spag-{control}-{start.parents[2].name}", make)


def _imitated(place: Place) -> Path:
    """Imitation goes on from the same start until it learned from as many tokens as SPAG sampled and learned from."""
    start, budget = runs.warm(place, RECIPE), sum(spent(_evolved(place, "none")))
    path = {"seed": place.seed, "model": {"path": str(start.resolve())}, "evolve": {"rounds": 0}, "stages": ()}
    recipe = runs.changed(RECIPE, path, {"warm_start": {"rounds": runs.NEVER, "learning_rate": RATE}}, runs.modest())

    def make(folder: Path) -> None:
        run = RunFolder(folder)
        run.hold()
        session = Session.begin(recipe, run)
        try:
            while session.clock.tokens_learned < budget:
                warm_round(session)
                session.round, session.rounds = session.round + 1, session.rounds + 1
            session.export("imitation")
        finally:
            session.environments.close()
            run.release()

    return share(place, f"spag-imitated-{start.parents[2].name}", make) / "agents" / "imitation"


def _policy(place: Place, name: str) -> Path:
    """The folder of an epoch's policy, or of what it is held against."""
    if name == "imitation":
        return _imitated(place)
    run = _evolved(place, "shuffled" if name == "shuffled" else "none")
    return run / "league" / f"round-0000{EPOCHS[-1] if name == 'shuffled' else name}"


def _matches(place: Place) -> list[Episode]:
    """Every attacker against every defender, the same deals for all pairs; played once a seed.

    A player's score in a role is of its matches against the epochs in the other: so many as the size has problems.
    """
    recipe, names = load_recipe(RECIPE), (*EPOCHS, *OTHERS)
    start = runs.warm(place, RECIPE)

    def make(folder: Path) -> None:
        sampling = Sampling(temperature=recipe.temperature, max_tokens=recipe.max_answer_tokens)
        agents = {name: load_policy(_policy(place, name), sampling, name) for name in names}
        pairs = [(one, other) for one in names for other in names if {one, other} & {*EPOCHS}]
        deals = range(place.sizes.problems // len(EPOCHS))
        jobs = [_job(recipe, place, pair, deal) for pair in pairs for deal in deals]
        EpisodeStore(folder / "matches").append(list(play_matches(agents, jobs, {"phase": "held-out"})), "matches")

    folder = share(place, f"spag-matches-{place.sizes.name}-{start.parents[2].name}", make)
    return EpisodeStore(folder / "matches").named("matches")


def _job(recipe: Recipe, place: Place, pair: tuple[str, str], deal: int) -> MatchJob:
    of = ("held-out match", place.seed, deal)
    return MatchJob(
        id=f"{'-vs-'.join(pair)}/{deal:05d}",
        env_id=recipe.env_id,
        env_kwargs=recipe.env_kwargs,
        seed=derive_seed(*of),
        group_id=f"held-out/{deal:05d}",
        players=pair,
        agent_seed=derive_seed(*of, *pair),
    )


def _sides(episodes: Sequence[Episode], seat: int, name: str) -> list[tuple[str, Episode]]:
    """A player's matches in a role against the epochs of the other role: their names, of deal and other player."""
    found = []
    for episode in episodes:
        players = [actor.agent_id for actor in episode.roles.values()]
        if players[seat] == name and players[1 - seat] in EPOCHS:
            found.append((f"{episode.group_id} {players[1 - seat]}", episode))
    return found


def ratings(episodes: Sequence[Episode]) -> dict[str, Rating]:
    """Of each player in each role, by Bradley and Terry: attackers and defenders are rated on one scale."""
    matches = []
    for episode in episodes:
        (one, attacker), (_, defender) = episode.roles.items()
        names = f"attacker {attacker.agent_id}", f"defender {defender.agent_id}"
        matches.append(Match(*names, score(episode, one)))
    return {row.agent: row for row in bradley_terry(matches, resamples=200)}


def _plays(seat: int, name: str) -> Arm:
    def arm(place: Place) -> Measured:
        episodes = _matches(place)
        rated = ratings(episodes)[f"{ROLES[seat]} {name}"]
        role = ("player_0", "player_1")[seat]
        scores = {key: score(episode, role) for key, episode in _sides(episodes, seat, name)}
        return Measured(scores, _tokens(place, name), {"rating": rated.rating, "low": rated.low, "high": rated.high})

    return arm


def _keeps(name: str) -> Arm:
    def arm(place: Place) -> Measured:
        sides = _sides(_matches(place), 0, name)
        return Measured({key: float(not broken(episode)) for key, episode in sides}, _tokens(place, name))

    return arm


def broken(match: Episode) -> bool:
    """Whether the attacker ended the match by breaking the rules: what it says cannot end it otherwise."""
    return match.turns[-1].role == "player_0"


def _infers(name: str) -> Arm:
    """The share that the right name has of the chances of all guesses, once every attribute of a thing was told."""

    def arm(place: Place) -> Measured:
        recipe = load_recipe(RECIPE)
        model, tokenizer = load_model(_policy(place, name))
        asked, names = inferences(recipe), list(things("all"))
        texts = [TERSE.form.format(each) for each in names]
        told = [observation for _, observation in asked.values()]
        batch = pack(would_say(ChatFormat(tokenizer).example, told, [texts] * len(told), recipe.temperature))
        logprobs = logprobs_under(model, batch, recipe.micro_batch_tokens)
        chances = [float(part.double().sum()) for part in logprobs.split(batch.lengths().tolist())]
        table = np.exp(np.array(chances).reshape(len(told), len(names)))
        right = [names.index(thing) for thing, _ in asked.values()]
        share, first = table / table.sum(1, keepdims=True), table.argmax(1)
        scores = {key: float(share[row, which]) for row, (key, which) in enumerate(zip(asked, right, strict=True))}
        guessed = {"guesses": float(table.sum(1).mean()), "likeliest": float(np.mean(first == np.array(right)))}
        return Measured(scores, _tokens(place, name), guessed)

    return arm


def inferences(recipe: Recipe) -> dict[str, tuple[str, str]]:
    """Of the things that no training deals, their attributes told: the thing, and what a defender sees then.

    In between it has talked as those whom the start imitates, each time otherwise.
    """
    env = make_game(recipe.env_id, **recipe.env_kwargs)
    game = env.game
    assert isinstance(game, Taboo)
    env.reset(seed=0)
    found = {}
    for thing, attributes in things("test").items():
        for number in range(TALKS):
            rng, state = np.random.default_rng(derive_seed("inference", thing, number)), Talk(thing)
            for attribute in attributes:
                state = game.act(state, attribute)
                if len(state.said) < 2 * len(attributes) - 1:
                    state = game.act(state, _talk(game, state, rng))
            env.restore(env.snapshot()._replace(state=state))
            found[f"{thing} {number}"] = thing, str(env.observe("player_1"))
    return found


def _talk(game: Taboo, state: Talk, rng: np.random.Generator) -> str:
    """What a careless defender says that does not end the game."""
    while True:
        said = careless(game, game.seen(state, DEFENDER), rng)
        if not game.terminal(game.act(state, said)):
            return said


def _tokens(place: Place, name: str) -> int:
    """Sampled and learned from after the start; the epochs share a run, of which each has its part."""
    if name == "imitation":
        return sum(spent(_evolved(place, "none")))
    whole = sum(spent(_evolved(place, "shuffled" if name == "shuffled" else "none")))
    return whole if name == "shuffled" else whole * int(name) // int(EPOCHS[-1])


def _by_epoch(kind: str, says: str) -> list[Claim]:
    pairs = zip(EPOCHS[1:], EPOCHS, strict=False)
    return [
        Claim(f"{kind}_{one}", f"{kind}_{other}", says.format(one, other), smoke=one == "1") for one, other in pairs
    ]


ARMS: dict[str, Callable[[Place], Measured]] = {
    **{f"attacker_{name}": _plays(0, name) for name in (*EPOCHS, *OTHERS)},
    **{f"defender_{name}": _plays(1, name) for name in (*EPOCHS, *OTHERS)},
    **{f"keeps_rules_{name}": _keeps(name) for name in (*EPOCHS, *OTHERS)},
    **{f"infers_{name}": _infers(name) for name in (*EPOCHS, *OTHERS)},
}

SIGN = Sign(
    name="spag",
    block=23,
    title="Epochs of self-play at Taboo",
    paper="SPAG, arXiv 2404.10642",
    substrate=(
        "Adversarial Taboo in a world of 64 things with a colour, a size and a shape, whose names have a "
        "letter for each; 48 are dealt in training, 4 turns a player. A nano model imitates careless players,"
        " who break the rules, lie, name things and guess wrongly, each in some of their turns; then come "
        "three epochs of 512 games with itself, of which it learns what the winners said. Equal: the tokens "
        "that SPAG sampled and learned from, and that imitation continued learns from."
    ),
    measure=(
        "of attackers and defenders, the points of matches against the defenders or attackers of all four "
        "epochs, a tie being half of one, on the same deals; of keeps_rules, the attacker's matches in which "
        "it does not break the rules; of infers, the share that the right name has of the chances of all 64 "
        "guesses, once the three attributes of a thing that no training deals were told (16 things, 6 talks "
        "each). Ratings are Bradley and Terry's over all attackers and defenders of a seed, their mean 1000, "
        "low and high their interval; guesses is the chance that a defender guesses at all, likeliest how "
        "often the right name is the likeliest"
    ),
    recipes=(RECIPE,),
    arms=ARMS,
    claims=(
        *_by_epoch("attacker", "the attacker of epoch {} wins more than that of epoch {}"),
        *_by_epoch("defender", "the defender of epoch {} wins more than that of epoch {}"),
        Claim("keeps_rules_3", "keeps_rules_0", "the attacker breaks the rules less often after the epochs"),
        Claim("infers_3", "infers_0", "guesses name things that were never dealt more often"),
        Claim("infers_3", "infers_imitation", "more so than after imitation for as many tokens", smoke=False),
        Claim("attacker_3", "attacker_imitation", "the attacker wins more than by imitation", smoke=False),
        Claim("defender_3", "defender_imitation", "the defender wins more than by imitation", smoke=False),
        Claim("attacker_shuffled", "attacker_0", "outcomes dealt at random make the attacker stronger", above=False),
        Claim(
            "defender_shuffled",
            "defender_0",
            "outcomes dealt at random make the defender stronger",
            above=False,
            smoke=False,
        ),
        Claim("infers_shuffled", "infers_0", "outcomes dealt at random teach names", above=False, smoke=False),
    ),
    chosen=(
        "on seed 100 alone, in five tries: how often careless players err and in which order attributes are "
        "told, 16 to 24 updates an epoch, 256 or 320 deals, rates of 5e-4 and 1e-3. Where attributes came in "
        "any order, defenders guessed after two of them, and one role or the other stopped improving after "
        "the first epoch. In the try that was taken, the defender of the third epoch was below that of the "
        "second."
    ),
    departs=(
        "names are made of letters for attributes; careless scripted players stand for GPT-4; an attacker who"
        " breaks the rules loses, which in the paper only voids the game; no other text is learned beside."
    ),
)
