"""Self-attention written out in plain numpy, token by token and slot by slot, to judge the library by."""

import itertools

import numpy as np


def code(position, n):
    """n bits of a position, most significant first, as -1/+1."""
    return np.array([1 if position >> (n - 1 - b) & 1 else -1 for b in range(n)])


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def correlation_form(S, P, beta, gamma, eps, steps):
    """Mean field of binary patterns S (4, M, n), bits P (4, M, b), by sums over odd sets of features.

    Token 0 stays in the context; every overlap of the window is computed anew at each step.
    """
    M = S.shape[1]
    window = 2 ** P.shape[-1]
    odd = [B for size in range(1, M + 1, 2) for B in itertools.combinations(range(M), size)]
    table = np.array([[[np.mean(S[0, list(B)].prod(0) * S[a, j]) for j in range(M)] for B in odd] for a in range(4)])
    etas = [np.array([1, *rest]) for rest in itertools.product([1, -1], repeat=M - 1)]

    def mu(A):
        total = np.zeros((4, M))
        for eta in etas:
            for k, B in enumerate(odd):
                total += np.tanh(beta * eta @ A) * eta[list(B)].prod() * table[:, k] / len(etas)
        return total

    tokens = [table[:, 0]]  # the first token is row 0 of the out patterns

    def mix(mu, t):
        bits = code(t % window, P.shape[-1])
        return (1 - eps) * mu + eps * np.stack([P[a] @ bits / len(bits) for a in range(4)])

    overlaps = [mix(tokens[0], 0)]
    A, mus, attentions = overlaps[0][1], [], []
    for t in range(1, steps + 1):
        mus.append(mu(A))
        overlaps.append(mix(mus[-1], t))
        seen = overlaps[-window:]
        A = softmax(gamma * np.array([overlaps[t][2] @ m[3] for m in seen])) @ np.array([m[1] for m in seen])
        attentions.append(A)
    return np.array([m[0] for m in mus]), np.array(attentions), table


def field(W, P, beta, gamma, eps, tokens, positions):
    """Half log-odds of each spin of the next token: W (4, heads, M, n), P (4, heads, M, b), tokens oldest first."""
    total = np.zeros(W.shape[-1])
    for h in range(W.shape[1]):
        m = []
        for s, p in zip(tokens, positions, strict=True):
            bits = code(p, P.shape[-1])
            m.append((1 - eps) * W[:, h] @ s / len(s) + eps * P[:, h] @ bits / len(bits))
        w = softmax(gamma[h] * np.array([m[-1][2] @ k[3] for k in m]))
        total += beta * W[0, h].T @ sum(w[d] * m[d][1] for d in range(len(m)))
    return total
