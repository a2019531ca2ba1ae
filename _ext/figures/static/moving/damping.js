"use strict";
window.movingDrawings.damping = (figure) => {
  const { damped } = figure.kit;
  const { ellipse, number, steps } = window.movingTools;
  const surface = window.movingSurface(figure.kit);
  const WINDOW = { x: [-0.5, 4], y: [-0.4, 2.6] };
  const mu = figure.slider({ key: "mu", label: "damping μ", min: -3, max: 2, step: 0.05, start: 0, of: (power) => 10 ** power });
  const board = figure.board({
    label: "The error over two weights", ...WINDOW, square: true, points: true, xTicks: [0, 1, 2, 3, 4], yTicks: [0, 1, 2], xLabel: "w₁", yLabel: "w₂",
  });
  figure.shade(board, (x, y) => surface.E([x, y]), [0.05, 0.15, 0.35, 0.7, 1.3, 2.2, 3.5, 5, 7]);
  const start = figure.point(board, {
    key: "start", at: [0.4, 0.6], label: "where the step starts", show: ([x, y]) => `w₁ ${number(x)}, w₂ ${number(y)}`,
  });
  const step = (value) => damped({ J: surface.jacobian(start()), e: surface.residuals(start()), mu: value }).step;
  const end = (value) => start().map((x, side) => x + step(value)[side]);
  const inside = ([xs, ys]) => [xs.map((x, k) => (x >= WINDOW.x[0] && x <= WINDOW.x[1] && ys[k] >= WINDOW.y[0] && ys[k] <= WINDOW.y[1] ? x : NaN)), ys];
  const powers = steps(-4, 4, 100);
  figure.curve(board, () => {
    const ends = powers.map((power) => end(10 ** power));
    return inside([ends.map(([x]) => x), ends.map(([, y]) => y)]);
  }, { colour: "four", width: 2 });
  figure.curve(board, () => inside(ellipse(start(), Math.hypot(...step(mu())), Math.hypot(...step(mu())))), { colour: "three", width: 1.5, dash: 2 });
  figure.arrow(board, start, () => end(mu()), { colour: "two" });
  const downhill = () => surface.gradient(start()).map((g) => (-0.5 * g) / Math.hypot(...surface.gradient(start())));
  figure.arrow(board, start, () => start().map((x, side) => x + downhill()[side]), { colour: "ink", width: 1.5, dash: 2 });
  figure.legend([["two", "the step"], ["four", "its end for every μ"], ["three", "its length, a region of trust"], ["ink", "steepest descent"]]);
  figure.buttons({
    "Take the step": () => {
      const keep = (value, [low, high]) => Math.min(high, Math.max(low, value));
      const [x, y] = end(mu());
      figure.state.start = [keep(x, WINDOW.x), keep(y, WINDOW.y)];
    },
  });
  figure.onUpdate(() => {
    const [p, d] = [step(mu()), downhill()];
    const cosine = (p[0] * d[0] + p[1] * d[1]) / (Math.hypot(...p) * Math.hypot(...d));
    const turned = (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
    figure.say(
      `μ = ${number(mu())}: a step of length ${number(Math.hypot(...p))}, turned ${Math.round(turned)}° from steepest descent; the error goes from ` +
      `${number(surface.E(start()))} to ${number(surface.E(end(mu())))}.`,
    );
  });
};
