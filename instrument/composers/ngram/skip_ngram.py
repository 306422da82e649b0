"""Count what follows what: n-grams over nested contexts, backing off by Witten and Bell.

In: pairs of contexts and a symbol, one at a time, whenever they come. Out: the probability of every
next symbol. There is nothing to train: a pair that was learned counts at once, so a player can
teach it while playing.

A context is any sequence of small integers, the most telling item first: (beat phase, last
interval, interval over the last two notes, ...). The model backs off to its prefixes. Items may be
left out or come from anywhere in the past; that makes it a *skip* n-gram. Several contexts that
look at the past in different ways are averaged (`NgramMixture`).

Source: Witten and Bell, The zero-frequency problem (1991), method C, interpolated: where a context
was followed N times by T different symbols, the share T / (N + T) is left to the shorter context.
We leave a larger share, 2 T / (N + 2 T), and let a context grow by one item only when it comes for
the second time: both predict held-out music better, and the second keeps the counts small.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
Context = Sequence[int]


class _Node:
    """What followed one context, and the contexts that are longer by one item."""

    __slots__ = ("counts", "longer", "total")

    def __init__(self) -> None:
        self.total = 0.0
        self.counts: dict[int, float] = {}
        self.longer: dict[int, _Node] | None = None


class SkipNgram:
    """Counts of the symbols 0..symbols-1 after nested contexts.

    Not to be shared between threads while it learns.

    Parameters
    ----------
    symbols
        How many symbols there are.
    caution
        The share left to shorter contexts, in units of Witten and Bell's.
    shortest
        Shorter contexts than this are not asked; the prior stands in their place.
    below
        An n-gram whose counts are added to this one's and stay as they are.
    remembers
        After so many lessons those before them are forgotten, so that an endless piece takes no
        endless memory: between this number and twice as many count.
    """

    def __init__(
        self,
        symbols: int,
        caution: float = 2.0,
        shortest: int = 0,
        below: SkipNgram | None = None,
        remembers: int = sys.maxsize,
    ) -> None:
        self.symbols, self.caution, self.shortest = symbols, caution, shortest
        self._root, self._older = _Node(), _Node()
        self._remembers, self._learned = remembers, 0
        self._below: tuple[_Node, ...] = (*below._below, below._root) if below else ()

    def layer(self, remembers: int = sys.maxsize, learned: int = 0) -> SkipNgram:
        """Return an n-gram that knows what this one does and learns for itself alone.

        Its contexts grow at once: what happened once in the piece at hand counts.

        Parameters
        ----------
        remembers
            See `SkipNgram`.
        learned
            Count on from here: n-grams side by side need not forget at the same moment.
        """
        layer = SkipNgram(self.symbols, self.caution, self.shortest, self, remembers)
        layer._learned = learned
        return layer

    def learn(self, context: Context, symbol: int, weight: float = 1.0) -> None:
        """Count a symbol after a context and after its prefixes that were seen before.

        Parameters
        ----------
        context
            Items, the most telling first.
        symbol
            0..symbols-1.
        weight
            How often to count it.
        """
        if self._learned >= self._remembers:
            self._older, self._root, self._learned = self._root, _Node(), 0
        self._learned += 1
        node = self._root
        for item in (*context, None):
            is_new = not node.counts and not self._below
            node.total += weight
            node.counts[symbol] = node.counts.get(symbol, 0.0) + weight
            if is_new or item is None:
                return
            if node.longer is None:
                node.longer = {}
            longer = node.longer.get(item)
            if longer is None:
                longer = node.longer[item] = _Node()
            node = longer

    def distribution(self, context: Context, prior: Probabilities) -> Probabilities:
        """Return the probability of every symbol.

        Parameters
        ----------
        context
            Items, the most telling first.
        prior
            float64, shape (symbols,), sum 1: what is expected before anything was learned.

        Returns
        -------
        Probabilities
            float64, shape (symbols,), sum 1.
        """
        probabilities = prior.copy()
        nodes = [node for node in (*self._below, self._older, self._root) if node.counts]
        for length, item in enumerate((*context, None)):
            if not nodes:
                break
            if length >= self.shortest:
                self._refine(probabilities, nodes)
            nodes = [
                node.longer[item]
                for node in nodes
                if item is not None and node.longer and item in node.longer
            ]
        return probabilities

    def probability(self, context: Context, symbol: int, prior: float) -> float:
        """Return the probability of one symbol; ten times as fast as all of `distribution`.

        Parameters
        ----------
        context, symbol
            See `learn`.
        prior
            The symbol's own.
        """
        probability = prior
        nodes = [node for node in (*self._below, self._older, self._root) if node.counts]
        for length, item in enumerate((*context, None)):
            if not nodes:
                break
            if length >= self.shortest:
                left = self.caution * _kinds(nodes)
                total = sum(node.total for node in nodes)
                count = sum(node.counts.get(symbol, 0.0) for node in nodes)
                probability = (count + left * probability) / (total + left)
            nodes = [
                node.longer[item]
                for node in nodes
                if item is not None and node.longer and item in node.longer
            ]
        return probability

    def _refine(self, probabilities: Probabilities, nodes: list[_Node]) -> None:
        """Mix a shorter context's probabilities with the counts of a longer one, in place."""
        left = self.caution * _kinds(nodes)
        scale = 1.0 / (sum(node.total for node in nodes) + left)
        probabilities *= left * scale
        for node in nodes:
            for symbol, count in node.counts.items():
                probabilities[symbol] += count * scale


def _kinds(nodes: list[_Node]) -> int:
    if len(nodes) == 1:
        return len(nodes[0].counts)
    return len(set().union(*(node.counts for node in nodes)))


class NgramMixture:
    """Several n-grams that look at the past in different ways, averaged.

    Parameters
    ----------
    symbols
        How many symbols there are.
    weights
        Shape (contexts,): the share of each n-gram; scaled to the sum 1.
    caution, shortest
        See `SkipNgram`.
    """

    def __init__(
        self, symbols: int, weights: Sequence[float], caution: float = 2.0, shortest: int = 0
    ) -> None:
        self.weights = np.array(weights) / sum(weights)
        self.parts = tuple(SkipNgram(symbols, caution, shortest) for _ in weights)

    def layer(self, remembers: int = sys.maxsize) -> NgramMixture:
        """Return a mixture that knows what this one does and learns for itself alone.

        Its parts forget one after the other: to let go of all at once takes a tenth of a second.

        Parameters
        ----------
        remembers
            How many symbols the new one keeps; the oldest are forgotten.
        """
        layered, count = copy(self), len(self.parts)
        layered.parts = tuple(
            part.layer(remembers, number * remembers // count if remembers < sys.maxsize else 0)
            for number, part in enumerate(self.parts)
        )
        return layered

    def learn(self, contexts: Sequence[Context], symbol: int, weight: float = 1.0) -> None:
        """Count a symbol after each n-gram's own context.

        Parameters
        ----------
        weight
            As how many symbols it counts.
        """
        for part, context in zip(self.parts, contexts, strict=True):
            part.learn(context, symbol, weight)

    def distributions(self, contexts: Sequence[Context], prior: Probabilities) -> Probabilities:
        """Return each n-gram's own opinion: float64, shape (contexts, symbols).

        Parameters
        ----------
        prior
            Before any context: float64, shape (symbols,), sum 1.
        """
        pairs = zip(self.parts, contexts, strict=True)
        return np.stack([part.distribution(context, prior) for part, context in pairs])

    def opinions(self, contexts: Sequence[Context], symbol: int, prior: float) -> Probabilities:
        """Return what each n-gram gives to one symbol: float64, shape (contexts,).

        Parameters
        ----------
        prior
            The symbol's probability before any context, 0 to 1.
        """
        pairs = zip(self.parts, contexts, strict=True)
        return np.array([part.probability(context, symbol, prior) for part, context in pairs])

    def distribution(self, contexts: Sequence[Context], prior: Probabilities) -> Probabilities:
        """Return the average: float64, shape (symbols,), sum 1.

        Parameters
        ----------
        prior
            Before any context: float64, shape (symbols,), sum 1.
        """
        return np.asarray(self.weights @ self.distributions(contexts, prior))


def best_weights(probabilities: Probabilities, rounds: int = 50) -> Probabilities:
    """Find the shares that make held-out symbols most likely.

    Parameters
    ----------
    probabilities
        float64, shape (n, contexts): what each n-gram gave to the symbol that came.
    rounds
        Steps of expectation maximisation (Jelinek and Mercer, 1980).

    Returns
    -------
    Probabilities
        float64, shape (contexts,), sum 1.
    """
    weights = np.full(probabilities.shape[1], 1.0 / probabilities.shape[1])
    for _ in range(rounds):
        share = probabilities * weights
        weights = (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights
