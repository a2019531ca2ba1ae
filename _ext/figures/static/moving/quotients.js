"use strict";
window.movingDrawings.quotients = (figure) => {
  const { exact, quotients, best_step, data } = figure.kit;
  const { number, raised, steps } = window.movingTools;
  const SHOWN = [
    ["one_sided", "one-sided", "slope", "two"], ["central", "central", "slope", "one"], ["second", "second", "bend", "three"],
  ];
  const epsilon = figure.slider({
    key: "step", label: "step", min: -15, max: 0, step: 0.125, start: -8, of: (power) => 10 ** power,
  });
  const weight = figure.slider({ key: "weight", label: "weight w₁₁", min: -1.5, max: 2.5, step: 0.05, start: data.w[1][0][0] });
  const at = (value) => {
    const w = structuredClone(data.w);
    w[1][0][0] = value;
    return exact({ ...data, w });
  };
  const values = (step) => quotients({
    E_plus: at(weight() + step).E, E_minus: at(weight() - step).E, E_at: at(weight()).E, epsilon: step,
  });
  const off = (step) => {
    const [found, truth] = [values(step), at(weight())];
    return Object.fromEntries(SHOWN.map(([name, , of]) => [name, Math.abs(found[name] / truth[of] - 1)]));
  };
  const board = figure.board({
    label: "Relative error against the step, both logarithmic", x: [-16, 0], y: [-14, 2], ratio: 0.55,
    xTicks: [-16, -12, -8, -4, 0], yTicks: [-12, -8, -4, 0], xLabel: "step", yLabel: "relative error", text: (power) => `10${raised(power)}`,
  });
  const inside = (error) => (error > 100 ? NaN : Math.max(-14, Math.log10(error)));
  for (const [name, , , colour] of SHOWN) {
    const powers = steps(-15, 0, 120);
    figure.curve(board, () => [powers, powers.map((power) => inside(off(10 ** power)[name]))], { colour, width: 1.5 });
    const [p, q] = data.orders[name];
    const best = Math.log10(best_step({ C: 1, R: 1, u: Number.EPSILON, p, q }).step);
    figure.curve(board, () => [[best, best], [-14, 2]], { colour, width: 1.5, dash: 2 });
    figure.mark(board, () => [Math.log10(epsilon()), inside(off(epsilon())[name])], { colour, size: 5 });
  }
  figure.legend(SHOWN.map(([, words, , colour]) => [colour, words]));
  figure.onUpdate(() => {
    const [found, truth, error] = [values(epsilon()), at(weight()), off(epsilon())];
    const told = SHOWN.map(([name, words]) => `${words} ${found[name].toFixed(9).replace("-", "−")} (off by ${number(error[name], 1)})`);
    figure.say(`At step ${number(epsilon())}: ${told.join(", ")}. Exact: E′ = ${truth.slope.toFixed(9).replace("-", "−")}, E″ = ${truth.bend.toFixed(9)}.`);
  });
};
