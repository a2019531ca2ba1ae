"use strict";
window.movingDrawings.step_size = (figure) => {
  const { descent } = figure.kit;
  const { ellipse, number } = window.movingTools;
  const share = figure.slider({ key: "share", label: "step size, as a share of 2/λmax", min: 0.02, max: 1.2, step: 0.01, start: 0.9 });
  const largest = figure.slider({ key: "largest", label: "λ₂, with λ₁ = 1", min: 1, max: 30, step: 0.5, start: 10 });
  const eta = () => (2 * share()) / largest();
  const lambda = () => [1, largest()];
  const board = figure.board({
    label: "Contours of the error and the path of steepest descent", x: [-4, 4], y: [-2, 2], square: true, points: true,
    xTicks: [-4, -2, 0, 2, 4], yTicks: [-2, -1, 0, 1, 2], xLabel: "e₁", yLabel: "e₂",
  });
  const start = figure.point(board, {
    key: "start", at: [-3.4, 1.2], label: "start of the path", show: ([x, y]) => `e₁ ${number(x)}, e₂ ${number(y)}`,
  });
  for (const level of [0.25, 1, 2.25, 4, 6.25]) {
    figure.curve(board, () => ellipse([0, 0], Math.sqrt((2 * level) / lambda()[0]), Math.sqrt((2 * level) / lambda()[1])), { colour: "grid", width: 1.5 });
  }
  const path = () => {
    const points = [start()];
    while (points.length < 60 && points.at(-1).every((x) => Math.abs(x) < 1e3)) {
      points.push(descent({ e: points.at(-1), lambda: lambda(), eta: eta() }).after);
    }
    return points;
  };
  const columns = () => [path().map(([x]) => x), path().map(([, y]) => y)];
  figure.curve(board, columns, { colour: "one", width: 2 });
  figure.mark(board, () => [0, 0], { colour: "three", size: 4 });
  figure.onUpdate(() => {
    const [one, two] = descent({ e: start(), lambda: lambda(), eta: eta() }).factors;
    const tenth = path()[Math.min(10, path().length - 1)];
    const fate = Math.abs(two) > 1 ? "it flies apart" : Math.abs(two) === 1 ? "it never gets nearer" : "it converges";
    figure.say(
      `Step size ${number(eta())}, limit 2/λmax = ${number(2 / largest())}. Every step multiplies e₁ by ${number(one)} and e₂ by ${number(two)}: ` +
      `${fate}${Math.abs(two) < 1 ? `, and e₁ is halved in ${number(Math.log(0.5) / Math.log(Math.abs(one)), 1)} steps` : ""}. From (${number(start()[0])}, ${number(start()[1])}), ten steps lead to (${number(tenth[0])}, ${number(tenth[1])}).`,
    );
  });
};
