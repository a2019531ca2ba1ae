"use strict";
window.movingDrawings.ellipses = (figure) => {
  const { outer_products, data } = figure.kit;
  const { eigen, ellipse, number } = window.movingTools;
  const surface = window.movingSurface(figure.kit);
  const board = figure.board({
    label: "The error over two weights", x: [-0.5, 3], y: [0, 2.4], square: true, points: true,
    xTicks: [0, 1, 2, 3], yTicks: [0, 0.5, 1, 1.5, 2], xLabel: "w₁", yLabel: "w₂",
  });
  figure.shade(board, (x, y) => surface.E([x, y]), [0.05, 0.15, 0.35, 0.7, 1.3, 2.2, 3.5, 5, 7]);
  const place = figure.point(board, {
    key: "place", at: [1.1, 1.2], label: "where the matrices are taken", show: ([x, y]) => `w₁ ${number(x)}, w₂ ${number(y)}`,
  });
  const matrices = () => {
    const w = place();
    const H = surface.hessian(w);
    const { gauss_newton, of_gradients } = outer_products({
      J: surface.jacobian(w).map((row) => [row]), M: data.x.map(() => [[1]]), delta: surface.residuals(w).map((e) => [e]),
    });
    return { exact: H, "Gauss-Newton": gauss_newton, diagonal: [[H[0][0], 0], [0, H[1][1]]], "outer products of gradients": of_gradients };
  };
  const SHOWN = { exact: "ink", "Gauss-Newton": "two", diagonal: "three", "outer products of gradients": "four" };
  const level = 0.15;
  for (const [name, colour] of Object.entries(SHOWN)) {
    figure.curve(board, () => {
      const { values, angle } = eigen(matrices()[name]);
      if (values.some((x) => x <= 1e-9)) return [[NaN], [NaN]];
      const [along, across] = values.map((x) => Math.sqrt((2 * level) / x));
      const [xs, ys] = ellipse(place(), along, across, angle);
      const inside = xs.map((x, k) => x >= -0.5 && x <= 3 && ys[k] >= 0 && ys[k] <= 2.4);
      return [xs.map((x, k) => (inside[k] ? x : NaN)), ys];
    }, { colour, width: 2.5, dash: name === "diagonal" ? 2 : 0 });
  }
  figure.legend(Object.entries(SHOWN).map(([name, colour]) => [colour, name]));
  figure.onUpdate(() => {
    const told = Object.entries(matrices()).map(([name, A]) => `${name} ${eigen(A).values.map((x) => number(x)).join(" and ")}`);
    const { values } = eigen(matrices().exact);
    figure.say(
      `Error ${number(surface.E(place()))} at w₁ = ${number(place()[0])}, w₂ = ${number(place()[1])}. Eigenvalues: ${told.join("; ")}. ` +
      `${Math.min(...values) < 0 ? "The exact Hessian has a negative one: no ellipse." : ""}`,
    );
  });
};
