"use strict";
window.movingDrawings.pruning = (figure) => {
  const { removal } = figure.kit;
  const { ellipse, number } = window.movingTools;
  const WINDOW = { x: [-3, 4], y: [-2, 3] };
  const removed = figure.choice({ key: "removed", label: "remove", options: ["w₁", "w₂"] });
  const ratio = figure.slider({ key: "ratio", label: "λ₂/λ₁", min: 1, max: 30, step: 0.5, start: 12 });
  const angle = figure.slider({
    key: "angle", label: "slant of the valley", min: -90, max: 90, step: 1, start: -35, show: (turn) => `${Math.round((turn * 180) / Math.PI)}°`,
    of: (degrees) => (degrees * Math.PI) / 180,
  });
  const hessian = () => {
    const [c, s] = [Math.cos(angle()), Math.sin(angle())];
    return [[c * c + ratio() * s * s, (1 - ratio()) * c * s], [(1 - ratio()) * c * s, s * s + ratio() * c * c]];
  };
  const board = figure.board({
    label: "The error over two weights", ...WINDOW, square: true, points: true, xTicks: [-3, -2, -1, 0, 1, 2, 3, 4], yTicks: [-2, -1, 0, 1, 2, 3], xLabel: "w₁", yLabel: "w₂",
  });
  const minimum = figure.point(board, {
    key: "minimum", at: [2, 1.2], label: "the minimum", show: ([x, y]) => `w₁ ${number(x)}, w₂ ${number(y)}`,
  });
  const inside = ([xs, ys]) => [xs.map((x, k) => (x >= WINDOW.x[0] && x <= WINDOW.x[1] && ys[k] >= WINDOW.y[0] && ys[k] <= WINDOW.y[1] ? x : NaN)), ys];
  for (const level of [0.25, 1, 2.25, 4, 6.25, 9]) {
    figure.curve(board, () => inside(ellipse(minimum(), Math.sqrt(2 * level), Math.sqrt((2 * level) / ratio()), angle())), { colour: "one", width: 1 });
  }
  figure.curve(board, () => (removed() ? [[-3, 4], [0, 0]] : [[0, 0], [-2, 3]]), { colour: "ink", width: 2.5 });
  const now = () => removal({ H: hessian(), w: minimum() });
  figure.arrow(board, minimum, () => minimum().map((x, side) => (side === removed() ? 0 : x)), { colour: "two" });
  figure.arrow(board, minimum, () => minimum().map((x, side) => x + now().step[removed()][side]), { colour: "three" });
  figure.legend([["two", "alone (optimal brain damage)"], ["three", "the others follow (surgeon)"], ["ink", "where the weight is zero"]]);
  figure.onUpdate(() => {
    const { damage, surgeon, step } = now();
    const q = removed();
    const other = ["w₁", "w₂"][1 - q];
    const cheaper = (values) => (values[0] < values[1] ? "w₁" : "w₂");
    figure.say(
      `Removing ${["w₁", "w₂"][q]} alone costs ${number(damage[q])}; with ${other} moved by ${number(step[q][1 - q])} it costs ${number(surgeon[q])}. ` +
      `Damage would remove ${cheaper(damage)} first, the surgeon ${cheaper(surgeon)}.`,
    );
  });
};
