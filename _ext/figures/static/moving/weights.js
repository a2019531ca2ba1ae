"use strict";
window.movingDrawings.weights = (figure) => {
  const { passes, data } = figure.kit;
  const { number, lowered } = window.movingTools;
  const WIDTHS = [2, 2, 1];
  // In the flat order of the weights: where each one is, and its name.
  const PLACES = [];
  for (const l of [1, 2]) {
    for (let j = 1; j <= WIDTHS[l]; j += 1) for (let i = 1; i <= WIDTHS[l - 1]; i += 1) PLACES.push({ l, j, i });
    for (let j = 1; j <= WIDTHS[l]; j += 1) PLACES.push({ l, j });
  }
  const name = ({ l, j, i }) => `${i ? "w" : "b"}${l === 1 ? "⁽¹⁾" : "⁽²⁾"}${lowered(i ? `${j}${i}` : j)}`;
  const state = (figure.state.weights ??= structuredClone({ w: data.w, b: data.b }));
  const entry = ({ l, j, i }) => (i ? [state.w[l][j - 1], i - 1] : [state.b[l], j - 1]);
  const chosen = figure.choice({ key: "chosen", label: "weight", options: PLACES.map(name) });
  let last = chosen();
  figure.onUpdate(() => {
    const [list, at] = entry(PLACES[chosen()]);
    if (chosen() === last) list[at] = figure.state.value ?? list[at];
    last = chosen();
    figure.state.value = list[at];
  });
  figure.slider({ key: "value", label: "its value", min: -2, max: 2, step: 0.05, start: data.w[1][0][0] });
  figure.buttons({ "Start again": () => {
    Object.assign(state, structuredClone({ w: data.w, b: data.b }));
    const [list, at] = entry(PLACES[chosen()]);
    figure.state.value = list[at];
  } });
  const now = () => passes({ ...data, ...state });
  const board = figure.board({
    label: "The network, its activations and its error signals", x: [-0.4, 2.4], y: [-0.85, 0.85], ratio: 0.45, frame: false,
  });
  const flat = (l, j, i) => PLACES.findIndex((at) => at.l === l && at.j === j && at.i === i);
  figure.network(board, WIDTHS, {
    edge: (l, j, i) => {
      const slope = now().gradient[flat(l, j, i)];
      const here = PLACES[chosen()];
      const isChosen = here.l === l && here.j === j && here.i === i;
      return { width: 1 + Math.min(12, 8 * Math.abs(slope)), colour: isChosen ? "two" : "one" };
    },
    unit: (l, j) => {
      const { a, z, delta } = now();
      const here = PLACES[chosen()];
      return {
        colour: !here.i && here.l === l && here.j === j ? "two" : "ground",
        above: l < 2 ? `${l ? "z" : "x"}${lowered(j)} = ${number(z[l][j - 1])}` : `y = ${number(a[2][0])}`,
        below: l ? `δ = ${number(delta[l][j - 1])}` : "",
      };
    },
  });
  figure.legend([["one", "as thick as the derivative by the weight"], ["two", "the weight that is moved"]]);
  figure.onUpdate(() => {
    const { a, delta, gradient, E } = now();
    const here = PLACES[chosen()];
    figure.say(
      `${name(here)} = ${number(figure.state.value)}: output ${number(a[2][0])} for the target ${number(data.t[0])}, error ${number(E)}. ` +
      `δ at the output ${number(delta[2][0])}, at the hidden units ${number(delta[1][0])} and ${number(delta[1][1])}; ` +
      `derivative by ${name(here)}: ${number(gradient[chosen()])}.`,
    );
  });
};
