"""One first call in a process of its own: wall and CPU time of the fit alone, imports and data before it."""

import json
import sys
import time
from collections.abc import Callable

import numpy as np

Fit = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def nonequil() -> Fit:
    """Rows (H, J) by this package, all of it that a fit needs imported."""
    import nonequil as nq

    fit, transitions, none = nq.fit, nq.Transitions, nq.inference.ERRORS.none

    def run(x: np.ndarray, x_next: np.ndarray, tolerance: float) -> np.ndarray:
        fitted = fit(transitions(x, x_next), errors=none, tolerance=tolerance)
        return np.concatenate([np.asarray(fitted.model.H)[:, None], np.asarray(fitted.model.J)], axis=1)

    return run


def nemos() -> Fit:
    """Rows (H, J) by the population model of nemos: a spike's log-odds are 2 h, its gradient half of ours."""
    import nemos

    def run(x: np.ndarray, x_next: np.ndarray, tolerance: float) -> np.ndarray:
        model = nemos.glm.PopulationGLM(
            observation_model=nemos.observation_models.BernoulliObservations(),
            regularizer=nemos.regularizer.UnRegularized(),
            solver_name="LBFGS",
            solver_kwargs={"tol": tolerance / 2, "maxiter": 500},
        )
        model.fit(x.astype(np.float32), (x_next > 0).astype(np.float32))
        return np.concatenate([np.asarray(model.intercept_)[:, None], np.asarray(model.coef_).T], axis=1) / 2

    return run


def main() -> None:
    """Fit the recording of a file, keep the answer in another and print the seconds."""
    who, source, answer, tolerance = sys.argv[1:]
    fit = {"nonequil": nonequil, "nemos": nemos}[who]()
    with np.load(source) as file:
        x, x_next = file["x"], file["x_next"]
    wall, cpu = time.perf_counter(), time.process_time()
    theta = fit(x, x_next, float(tolerance))
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))
    np.save(answer, theta)


if __name__ == "__main__":
    main()
