"use strict";
window.movingDrawings.inverse = (figure) => {
  const { update, data } = figure.kit;
  const { eigen, ellipse, number } = window.movingTools;
  const count = figure.slider({ key: "count", label: "patterns so far", min: 0, max: data.b.length, step: 1, start: 0, show: String });
  const alpha = figure.slider({ key: "alpha", label: "start α", min: -2, max: 1, step: 0.25, start: 0, of: (power) => 10 ** power });
  const move = (by) => () => { figure.state.count = Math.min(data.b.length, Math.max(0, figure.state.count + by)); };
  figure.buttons({ "Add a pattern": move(1), "Take one away": move(-1) });
  const state = (patterns) => {
    let now = { X: [[1 / alpha(), 0], [0, 1 / alpha()]], H: [[alpha(), 0], [0, alpha()]], sigma: 0 };
    for (const b of data.b.slice(0, patterns)) now = update({ ...now, b });
    return now;
  };
  const board = figure.board({
    label: "The inverse as an ellipse", x: [-2.4, 2.4], y: [-1.6, 1.6], square: true, xTicks: [-2, -1, 0, 1, 2], yTicks: [-1, 0, 1],
  });
  const drawn = (X) => {
    const { values, angle } = eigen(X);
    const [xs, ys] = ellipse([0, 0], ...values.map((x) => Math.sqrt(Math.max(0, x))), angle);
    return [xs.map((x, k) => (Math.abs(x) <= 2.4 && Math.abs(ys[k]) <= 1.6 ? x : NaN)), ys];
  };
  figure.curve(board, () => drawn(state(Math.max(0, count() - 1)).X), { colour: "one", width: 1.5, dash: 2 });
  figure.curve(board, () => drawn(state(count()).X), { colour: "one", width: 3 });
  const last = () => (count() ? data.b[count() - 1] : [0, 0]);
  figure.arrow(board, () => [0, 0], last, { colour: "two" });
  figure.legend([["one", "X, and dashed: before the last pattern"], ["two", "the last pattern b"]]);
  figure.onUpdate(() => {
    const { X, H, sigma } = state(count());
    const product = [0, 1].flatMap((r) => [0, 1].map((c) => H[r][0] * X[0][c] + H[r][1] * X[1][c] - (r === c ? 1 : 0)));
    const off = Math.max(...product.map(Math.abs));
    figure.say(
      `${count()} patterns: X = (${number(X[0][0])}, ${number(X[0][1])}; ${number(X[1][0])}, ${number(X[1][1])}), half axes ` +
      `${eigen(X).values.map((x) => number(Math.sqrt(x))).join(" and ")}. HX differs from the identity by ${number(off, 1)}.${count() ? ` bᵀXb of the last one was ${number(sigma)}.` : ""}`,
    );
  });
};
