"use strict";
window.movingDrawings.direction = (figure) => {
  const { error, product, data } = figure.kit;
  const { number, steps } = window.movingTools;
  const angle = figure.slider({
    key: "angle", label: "angle of v", min: 0, max: 360, step: 2, start: 30, show: (turn) => `${Math.round((turn * 180) / Math.PI)}°`,
    of: (degrees) => (degrees * Math.PI) / 180,
  });
  // The two weights of the plane: the first one of either layer.
  const with_ = ([one, two]) => {
    const w = structuredClone(data.w);
    [w[1][0][0], w[2][0][0]] = [one, two];
    return { ...data, w };
  };
  const v = () => [Math.cos(angle()), Math.sin(angle())];
  const board = figure.board({
    label: "The error over two weights", x: [-2, 3], y: [-1, 4], square: true, points: true, widest: 350,
    xTicks: [-2, -1, 0, 1, 2, 3], yTicks: [-1, 0, 1, 2, 3, 4], xLabel: "w₁₁ of layer 1", yLabel: "w₁₁ of layer 2",
  });
  figure.shade(board, (x, y) => error(with_([x, y])).E, [0.02, 0.1, 0.25, 0.5, 1, 1.7, 2.6, 3.8, 5.3]);
  const foot = figure.point(board, {
    key: "foot", at: [data.w[1][0][0], data.w[2][0][0]], label: "where the direction starts",
    show: ([x, y]) => `first weight ${number(x)}, second weight ${number(y)}`,
  });
  const Hv = () => {
    const [one, two] = v();
    return product({
      ...with_(foot()), v: [null, [[one, 0], [0, 0]], [[two, 0]]], u: [null, [0, 0], [0]],
    }).Hv;
  };
  const inPlane = () => [Hv()[0], Hv()[6]];
  const tip = (way, length) => () => foot().map((x, side) => x + length * way()[side]);
  figure.arrow(board, foot, tip(v, 1), { colour: "two" });
  figure.arrow(board, foot, tip(inPlane, 0.5), { colour: "three" });
  figure.legend([["two", "v, and the error along it"], ["three", "Hv, half as long"], ["four", "the parabola"]]);
  const slope = () => {
    const { gradient } = error(with_(foot()));
    return gradient[0] * v()[0] + gradient[6] * v()[1];
  };
  const bend = () => inPlane()[0] * v()[0] + inPlane()[1] * v()[1];
  const cut = figure.board({
    label: "The error along the direction", x: [-1.5, 1.5], y: [-0.5, 3], ratio: 1, widest: 280,
    xTicks: [-1, 0, 1], yTicks: [0, 1, 2, 3], xLabel: "step along v", yLabel: "error",
  });
  const along = steps(-1.5, 1.5, 90);
  const inside = (y) => (y > 3 || y < -0.5 ? NaN : y);
  figure.curve(cut, () => [along, along.map((s) => inside(error(with_(foot().map((x, side) => x + s * v()[side]))).E))], { colour: "two" });
  figure.curve(cut, () => {
    const E = error(with_(foot())).E;
    return [along, along.map((s) => inside(E + s * slope() + 0.5 * s * s * bend()))];
  }, { colour: "four", dash: 2 });
  figure.mark(cut, () => [0, Math.min(3, error(with_(foot())).E)], { colour: "two" });
  figure.onUpdate(() => {
    const [one, two] = v();
    figure.say(
      `v = (${number(one)}, ${number(two)}), Hv = (${number(inPlane()[0])}, ${number(inPlane()[1])}) in this plane. Along v the error has the ` +
      `slope ${number(slope())} and the bend v·Hv = ${number(bend())}: ${bend() < 0 ? "a direction of negative curvature" : "it bends upwards"}.`,
    );
  });
};
