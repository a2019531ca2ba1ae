"use strict";
window.movingDrawings.conjugate = (figure) => {
  const { direction, line } = figure.kit;
  const { ellipse, number } = window.movingTools;
  const WINDOW = { x: [-4, 4], y: [-2.5, 2.5] };
  const share = figure.slider({ key: "share", label: "β, as a share of the right one", min: 0, max: 2, step: 0.05, start: 1 });
  const ratio = figure.slider({ key: "ratio", label: "λ₂/λ₁", min: 1, max: 30, step: 0.5, start: 8 });
  const TURN = 0.35;
  const hessian = () => {
    const [c, s] = [Math.cos(TURN), Math.sin(TURN)];
    return [[c * c + ratio() * s * s, (1 - ratio()) * c * s], [(1 - ratio()) * c * s, s * s + ratio() * c * c]];
  };
  const gradient = (w) => hessian().map(([a, b]) => a * w[0] + b * w[1]);
  const board = figure.board({
    label: "Contours of the error and two ways down", ...WINDOW, square: true, points: true, xTicks: [-4, -2, 0, 2, 4], yTicks: [-2, 0, 2], xLabel: "w₁", yLabel: "w₂",
  });
  const start = figure.point(board, { key: "start", at: [-3.2, 0.4], label: "start of both ways", show: ([x, y]) => `w₁ ${number(x)}, w₂ ${number(y)}` });
  const inside = ([xs, ys]) => [xs.map((x, k) => (Math.abs(x) <= 4 && Math.abs(ys[k]) <= 2.5 ? x : NaN)), ys];
  for (const level of [0.1, 0.5, 1.5, 3, 5, 7.5]) {
    figure.curve(board, () => inside(ellipse([0, 0], Math.sqrt(2 * level), Math.sqrt((2 * level) / ratio()), TURN)), { colour: "grid", width: 1.5 });
  }
  // The lowest point along a direction d.
  const lowest = (w, d) => {
    const { alpha } = line({ H: hessian(), g: gradient(w), d });
    return Number.isFinite(alpha) ? w.map((x, side) => x + alpha * d[side]) : w;
  };
  const steepest = () => {
    const path = [start()];
    while (path.length < 25) path.push(lowest(path.at(-1), gradient(path.at(-1)).map((x) => -x)));
    return path;
  };
  const conjugate = () => {
    const q = gradient(start()).map((x) => -x);
    const corner = lowest(start(), q);
    const g = gradient(corner);
    const { beta } = direction({ H: hessian(), g, q });
    const d = g.map((x, side) => -x + (Number.isFinite(beta) ? share() * beta : 0) * q[side]);
    return { path: [start(), corner, lowest(corner, d)], beta };
  };
  const columns = (path) => [path.map(([x]) => x), path.map(([, y]) => y)];
  figure.curve(board, () => columns(steepest()), { colour: "one", width: 1.5 });
  figure.curve(board, () => columns(conjugate().path), { colour: "two", width: 3 });
  figure.mark(board, () => [0, 0], { colour: "three", size: 4 });
  figure.legend([["one", "steepest descent"], ["two", "conjugate directions, two steps"], ["three", "minimum"]]);
  figure.onUpdate(() => {
    const { path, beta } = conjugate();
    const after = steepest().findIndex((w) => Math.hypot(...w) < 0.01 * Math.hypot(...start()));
    figure.say(
      `From (${number(start()[0])}, ${number(start()[1])}), β = ${number(beta)}${share() === 1 ? "" : `, taken ${number(share())} times`}: after two steps ` +
      `${number(Math.hypot(...path[2]) < 1e-9 ? 0 : Math.hypot(...path[2]))} from the minimum. Steepest descent needs ` +
      `${after < 0 ? "more than 24" : after} steps to come within a hundredth of where it started.`,
    );
  });
};
