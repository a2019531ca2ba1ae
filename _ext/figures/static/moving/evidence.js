"use strict";
window.movingDrawings.evidence = (figure) => {
  const { minimum, sums, evidence, data } = figure.kit;
  const { number, raised, steps } = window.movingTools;
  const dot = (one, other) => one.reduce((total, x, k) => total + x * other[k], 0);
  const alpha = figure.slider({ key: "power", label: "weight decay α", min: -5, max: 4, step: 0.05, start: -4, of: (power) => 10 ** power });
  const fit = (value) => {
    const { u } = minimum({ ...data, alpha: value });
    const e = data.t.map((t, n) => dot(data.at_points[n], u) - t);
    const both = sums({ e, w: u });
    return { u, ...both, ...evidence({ ...data, ...both, alpha: value }), next: evidence({ ...data, ...both, alpha: value }).alpha };
  };
  figure.buttons({ "α ← γ / 2E_W": () => { figure.state.power = Math.min(4, Math.max(-5, Math.log10(fit(alpha()).next))); } });
  const board = figure.board({
    label: "The points and the fit", x: [-1, 1], y: [-1.6, 1.6], ratio: 0.8, widest: 340, xTicks: [-1, -0.5, 0, 0.5, 1], yTicks: [-1, 0, 1], xLabel: "x",
  });
  data.x.forEach((x, n) => figure.mark(board, () => [x, data.t[n]], { colour: "ink", size: 2 }));
  figure.curve(board, () => {
    const { u } = fit(alpha());
    return [data.grid, data.at_grid.map((row) => Math.max(-1.6, Math.min(1.6, dot(row, u))))];
  }, { colour: "two", width: 3 });
  const powers = steps(-5, 4, 90);
  const curves = powers.map((power) => fit(10 ** power));
  const [low, high] = [-40, 20];
  const scale = (gamma) => low + ((high - low) * gamma) / 9; // the right-hand curve shares the frame
  const beside = figure.board({
    label: "Evidence and effective parameters against the weight decay", x: [-5, 4], y: [low, high], ratio: 0.8, widest: 340,
    xTicks: [-4, -2, 0, 2, 4], yTicks: [-40, -20, 0, 20], xLabel: "log₁₀ α", yLabel: "ln evidence",
  });
  figure.curve(beside, () => [powers, curves.map(({ ln_evidence }) => (ln_evidence < low ? NaN : ln_evidence))], { colour: "one" });
  figure.curve(beside, () => [powers, curves.map(({ gamma }) => scale(gamma))], { colour: "three" });
  const here = () => Math.log10(alpha());
  figure.mark(beside, () => [here(), Math.max(low, fit(alpha()).ln_evidence)], { colour: "one", size: 5 });
  figure.mark(beside, () => [here(), scale(fit(alpha()).gamma)], { colour: "three", size: 5 });
  figure.legend([["two", "the fit"], ["one", "ln evidence"], ["three", "γ, from 0 at the bottom to 9 at the top"]]);
  figure.onUpdate(() => {
    const { gamma, ln_evidence, E_D, E_W, next } = fit(alpha());
    figure.say(
      `α = ${number(alpha())}: the data determine γ = ${number(gamma)} of ${data.lambda.length} parameters, ln evidence ${number(ln_evidence)}; ` +
      `E_D = ${number(E_D)}, E_W = ${number(E_W)}, 2αE_W = ${number(2 * alpha() * E_W)}. The next α would be ${number(next)}.`,
    );
  });
};
