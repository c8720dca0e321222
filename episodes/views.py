"""Views of the log: pure functions from episodes to rows that a trainer can learn from.

Each returns its rows together with what it dropped and why. Token ids are those that were read and sampled; only a
scripted agent's text, which never was tokens, is encoded here.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from palaestra.verifiers import Status

from .record import Episode, Span, Turn

Ids = Sequence[int]
Encode = Callable[[str, str], tuple[Ids, Ids]]  # (observation, answer) -> (prompt ids, action ids with their end)
EncodeTurns = Callable[
    [Sequence[Turn]], tuple[Ids, Ids]
]  # the same, of the last of these turns, who reads those before
Decode = Callable[[Ids], str]


@dataclass(frozen=True, slots=True, init=False)
class Row:
    """One token sequence and what is known of it.

    ids: int64 of shape (n,); action: bool of shape (n,), True where the agent chose the token;
    logprobs: float32 of shape (n,), behaviour log-probabilities, aligned so that ``logprobs[i]`` belongs to
        ``ids[i]``, 0 where ``action`` is False.
    reward: the role's outcome in the episode (nan when undecided). weight: multiplies the row's loss.
    label: 1 for an answer that was chosen, -1 for one that was rejected, 0 for neither.
    baseline: the reward of the answer that it is compared with, where there is one.
    token_rewards: float32 of shape (n,), what single tokens were given, such as the verdict of a step at its last
        token, and nan at all others; None where nobody judged less than the whole.
    """

    ids: NDArray[np.int64]
    action: NDArray[np.bool_]
    logprobs: NDArray[np.float32]
    reward: float
    episode_id: str
    group_id: str
    env_id: str
    role: str
    temperature: float
    weight: float
    label: int
    baseline: float
    token_rewards: NDArray[np.float32] | None

    def __init__(
        self,
        ids: NDArray[np.int64],
        action: NDArray[np.bool_],
        logprobs: NDArray[np.float32],
        reward: float,
        episode_id: str,
        group_id: str,
        env_id: str,
        role: str,
        temperature: float = 1.0,
        weight: float = 1.0,
        label: int = 0,
        baseline: float = math.nan,
        token_rewards: NDArray[np.float32] | None = None,
    ) -> None:
        _set_ids(self, ids)
        _set_action(self, action)
        _set_logprobs(self, logprobs)
        _set_reward(self, reward)
        _set_episode_id(self, episode_id)
        _set_group_id(self, group_id)
        _set_env_id(self, env_id)
        _set_role(self, role)
        _set_temperature(self, temperature)
        _set_weight(self, weight)
        _set_label(self, label)
        _set_baseline(self, baseline)
        _set_token_rewards(self, token_rewards)

    @property
    def prompt(self) -> NDArray[np.int64]:
        """The ids before the first that the agent chose."""
        return self.ids[: int(self.action.argmax())]

    @property
    def answer(self) -> NDArray[np.int64]:
        """The ids from that one on."""
        return self.ids[int(self.action.argmax()) :]


# The slots' own setters take half the time of a frozen dataclass's generated __init__, and a view makes one a turn.
_set_ids, _set_action, _set_logprobs, _set_reward = (
    getattr(Row, name).__set__ for name in ("ids", "action", "logprobs", "reward")
)
_set_episode_id, _set_group_id, _set_env_id, _set_role, _set_temperature = (
    getattr(Row, name).__set__ for name in ("episode_id", "group_id", "env_id", "role", "temperature")
)
_set_weight, _set_label, _set_baseline, _set_token_rewards = (
    getattr(Row, name).__set__ for name in ("weight", "label", "baseline", "token_rewards")
)


@dataclass(frozen=True, slots=True)
class View:
    """Rows, the number of episodes dropped for each reason, and the number of rows forked off a changed prefix.

    replayed: how many of the rows are of rounds before.
    """

    rows: list[Row]
    dropped: Mapping[str, int] = field(default_factory=dict)
    forked: int = 0
    replayed: int = 0


def sft(
    episodes: Iterable[Episode],
    encode: Encode,
    min_score: float | None = 1.0,
    encode_turns: EncodeTurns | None = None,
) -> View:
    """Imitation: the turns of every role whose outcome scored at least ``min_score``, or, with None, was right.

    ``encode`` turns a scripted turn's observation and answer into ids; sampled turns keep their own. encode_turns: does
    so where a turn is said with all turns before it in sight, as in a rollout; None: each with its own observation
    alone, as in a match.
    """
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    forked = 0
    for episode in episodes:
        for role, outcome in episode.outcome.items():
            turns = [turn for turn in episode.turns if turn.role == role]
            if not outcome.decided:
                dropped["undecided"] += 1
            elif min_score is None and outcome.status is not Status.RIGHT:
                dropped["not right"] += 1
            elif min_score is not None and outcome.reward < min_score:
                dropped[f"score below {min_score:g}"] += 1
            elif not turns:
                dropped["no turn"] += 1
            else:
                made = rows_of(episode, role, _read(turns, encode, encode_turns))
                rows += made
                forked += len(made) - 1
    return View(rows, dropped, forked)


def _read(turns: Sequence[Turn], encode: Encode, encode_turns: EncodeTurns | None) -> list[Tokens]:
    if encode_turns is None or len(turns) == 1:
        return [encoded(turn, encode) for turn in turns]
    return [
        turn if turn.action_ids else _scripted(turn, encode_turns(turns[: number + 1]))
        for number, turn in enumerate(turns)
    ]


def groups(episodes: Iterable[Episode], size: int | None = None, decode: Decode | None = None) -> View:
    """Sampled answers in groups that share a problem, the members of a group next to one another.

    Undecided members stay, with reward nan, for the advantages to leave out. A group is dropped whole when it has
    fewer decided members than two, or another number of members than ``size``. With ``decode``, the text of sampled
    ids, rows also have the verdicts of their steps as ``token_rewards``.

    Raises:
        ValueError: a turn was sampled greedily, or with top_p or top_k, so that its log-probabilities are not the
            policy's and every importance ratio would be biased.
    """
    return grouped(_sampled(episodes, decode), size)


Played = tuple[str, str, list[Row]]  # group, role, and the rows of the role's turns in one episode, if all were sampled


def grouped(played: Iterable[Played], size: int | None = None) -> View:
    """``groups`` of rows that were made already."""
    by_group: dict[tuple[str, str], list[Row]] = {}
    members: Counter[tuple[str, str]] = Counter()
    dropped: Counter[str] = Counter()
    forked = 0
    for group_id, role, made in played:
        if not made:
            dropped["no sampled tokens"] += 1
            continue
        forked += len(made) - 1
        by_group.setdefault((group_id, role), []).extend(made)
        members[group_id, role] += 1
    rows: list[Row] = []
    for key, group in by_group.items():
        decided = {row.episode_id for row in group if not math.isnan(row.reward)}
        if len(decided) < 2:
            dropped["fewer than two decided answers"] += members[key]
        elif size is not None and members[key] != size:
            dropped[f"group not of size {size}"] += members[key]
        else:
            rows += group
    return View(rows, dropped, forked)


def _sampled(episodes: Iterable[Episode], decode: Decode | None) -> Iterator[Played]:
    for episode in episodes:
        for role in episode.outcome:
            turns = [turn for turn in episode.turns if turn.role == role]
            if not turns or not all(turn.action_ids for turn in turns):
                yield episode.group_id, role, []
                continue
            for turn in turns:
                refuse_biased(turn.temperature, turn.top_p, turn.top_k)
            yield episode.group_id, role, rows_of(episode, role, turns, decode, drawn=True)


def each(episodes: Iterable[Episode]) -> View:
    """The decided answers of every role, however they were sampled: to be compared with, not to be learned from."""
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for episode in episodes:
        for role, outcome in episode.outcome.items():
            turns = [turn for turn in episode.turns if turn.role == role and turn.action_ids]
            if outcome.decided and turns:
                rows += rows_of(episode, role, turns)
            else:
                dropped["undecided" if turns else "no sampled tokens"] += 1
    return View(rows, dropped)


def matches(episodes: Iterable[Episode], agent_id: str) -> View:
    """The decided sides of matches that an agent played, equal prompts next to one another, to be read once.

    A turn's prompt is its observation, which does not extend the one before: each turn is a row, with its side's
    return.

    Raises:
        ValueError: as ``groups`` does.
    """
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for episode in episodes:
        for role in (role for role, actor in episode.roles.items() if actor.agent_id == agent_id):
            turns = [turn for turn in episode.turns if turn.role == role and turn.action_ids]
            for turn in turns:
                refuse_biased(turn.temperature, turn.top_p, turn.top_k)
            if episode.outcome[role].decided and turns:
                rows += rows_of(episode, role, turns, drawn=True)
            else:
                dropped["undecided" if turns else "no sampled tokens"] += 1
    rows.sort(key=prompt_of)
    return View(rows, dropped)


def prompt_of(row: Row) -> bytes:
    """What a row answers, to sort by: rows of equal prompts that stand side by side are read by the model once."""
    return row.prompt.tobytes()


def refuse_biased(temperature: float, top_p: float, top_k: int) -> None:
    """Raises ValueError for a turn whose log-probabilities are not the policy's own."""
    if temperature == 0 or top_p != 1 or top_k != 0:
        raise ValueError(
            f"answers sampled with temperature {temperature:g}, top_p {top_p:g}, top_k {top_k} are "
            "not the policy's own: train on temperature above 0, top_p 1 and top_k 0"
        )


def encoded(turn: Turn, encode: Encode) -> Tokens:
    if turn.action_ids:
        return turn
    return _scripted(turn, encode(turn.observation, turn.text))


def _scripted(turn: Turn, ids: tuple[Ids, Ids]) -> _Encoded:
    prompt_ids, action_ids = ids
    return _Encoded(tuple(prompt_ids), tuple(action_ids), (0.0,) * len(action_ids), turn.temperature)


@dataclass(frozen=True, slots=True)
class _Encoded:
    prompt_ids: tuple[int, ...]
    action_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    temperature: float


Tokens = Turn | _Encoded


def rows_of(
    episode: Episode, role: str, turns: Sequence[Tokens], decode: Decode | None = None, drawn: bool = False
) -> list[Row]:
    """Rows of one role's turns: a turn extends the row before it exactly when its prompt does; else it forks.

    drawn: only what was sampled is an action, not what a strategy put into the answer (``Turn.meta["forced"]``).
    """
    pieces: list[list[Tokens]] = []
    read: tuple[int, ...] = ()
    for turn in turns:
        extends = bool(pieces) and turn.prompt_ids[: len(read)] == read
        pieces[-1].append(turn) if extends else pieces.append([turn])
        read = turn.prompt_ids + turn.action_ids
    return [_row(episode, role, piece, decode, drawn) for piece in pieces]


def _row(episode: Episode, role: str, turns: Sequence[Tokens], decode: Decode | None, drawn: bool) -> Row:
    last = turns[-1]
    ids = np.array(last.prompt_ids + last.action_ids, dtype=np.int64)
    action = np.zeros(len(ids), dtype=np.bool_)
    logprobs = np.zeros(len(ids), dtype=np.float32)
    judged = np.full(len(ids), np.nan, dtype=np.float32)
    for turn in turns:
        chosen = slice(len(turn.prompt_ids), len(turn.prompt_ids) + len(turn.action_ids))
        action[chosen] = True
        logprobs[chosen] = turn.logprobs
        if isinstance(turn, Turn) and decode is not None:
            judged[chosen] = step_rewards(turn, decode)
        if drawn and isinstance(turn, Turn):
            for start, end in turn.meta.get("forced", ()):
                action[chosen][start:end] = False
    return Row(
        ids=ids,
        action=action,
        logprobs=logprobs,
        reward=episode.outcome[role].reward,
        episode_id=episode.id,
        group_id=episode.group_id,
        env_id=episode.env_id,
        role=role,
        temperature=last.temperature,
        token_rewards=judged if decode is not None else None,
    )


def step_rewards(turn: Turn, decode: Decode) -> NDArray[np.float32]:
    """The score of each decided step of a sampled turn, at the token that completes it; nan at all other tokens.

    A token that completes several steps has the score of the last of them. A text that was only derived from the tokens
    (``meta["derived"]``) says nothing about which of them completes a step.
    """
    scores = np.full(len(turn.action_ids), np.nan, dtype=np.float32)
    if turn.meta.get("derived"):
        return scores
    ends = step_ends(turn.action_ids, decode, turn.step_spans)
    for end, verdict in zip(ends, turn.step_verdicts, strict=False):
        if verdict.status is not Status.UNDECIDED:
            scores[end - 1] = verdict.score
    return scores


def step_ends(action_ids: Ids, decode: Decode, spans: Sequence[Span]) -> list[int]:
    """How many of an action's tokens have been read where each step of its text ends.

    spans: ``Turn.step_spans``. A token that holds the end of one step and the beginning of the next belongs to the
    first, and a character's last byte completes it. Prefixes of the action are decoded, so that merges do not matter.

    Raises:
        ValueError: the ids decode to less text than the spans cover.
    """
    counts, text = range(1, len(action_ids) + 1), decode(action_ids)
    if any(end > len(text) for _, end in spans):
        raise ValueError(f"a step ends at character {spans[-1][1]}, but the ids decode to {len(text)}")

    def is_read(end: int) -> Callable[[int], bool]:
        return lambda count: decode(action_ids[:count])[:end] == text[:end]

    return [bisect_left(counts, True, key=is_read(end)) + 1 for _, end in spans]


def behind(prompt: NDArray[np.int64], row: Row) -> Row:
    """The row's answer behind another prompt; it was not sampled there, so it has no log-probabilities."""
    ids = np.concatenate([prompt, row.answer])
    action = np.concatenate([np.zeros(len(prompt), np.bool_), row.action[len(row.prompt) :]])
    return replace(row, ids=ids, action=action, logprobs=np.zeros(len(ids), np.float32), token_rewards=None)


def followed(row: Row, asked: Ids, said: Ids) -> Row:
    """The row's tokens, a question behind them, and what is said to it, of which alone is learned."""
    ids = np.concatenate([row.ids, np.array(asked, np.int64), np.array(said, np.int64)])
    action = np.arange(len(ids)) >= len(row.ids) + len(asked)
    return replace(row, ids=ids, action=action, logprobs=np.zeros(len(ids), np.float32), token_rewards=None)
