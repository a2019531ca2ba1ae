"use strict";
window.movingDrawings.groundwater = (figure) => {
  const { half_line, strip } = figure.kit;
  const { number, steps } = window.movingTools;
  const time = figure.slider({ key: "time", label: "time t", min: 0.005, max: 1, step: 0.005, start: 0.1 });
  let running = null;
  const stop = () => {
    clearInterval(running);
    running = null;
    figure.said.setAttribute("aria-live", "polite");
  };
  figure.buttons({
    "Run": () => {
      stop();
      if (figure.state.time >= 1) figure.state.time = 0.005;
      figure.said.setAttribute("aria-live", "off"); // twenty values a second are not for the ear
      running = setInterval(() => {
        figure.state.time = Math.min(1, figure.state.time + 0.01);
        figure.update();
        if (figure.state.time >= 1 || !figure.box.isConnected) stop();
      }, 50);
    },
    "Stop": stop,
  });
  const board = figure.board({
    label: "Pressure against the distance from the well", x: [0, 3], y: [-0.75, 0.1], ratio: 0.5,
    xTicks: [0, 0.5, 1, 1.5, 2, 2.5, 3], yTicks: [-0.6, -0.4, -0.2, 0], xLabel: "distance x", yLabel: "pressure P",
  });
  const [far, near] = [steps(0, 3, 120), steps(0, 1, 60)];
  for (const past of [0.01, 0.05, 0.2, 0.5, 1]) {
    figure.curve(board, () => [far, far.map((x) => half_line({ x, t: past }).P)], { colour: "grid", width: 1.5 });
  }
  figure.curve(board, () => [[1, 1], [-0.75, 0.1]], { colour: "ink", width: 1.5, dash: 2 });
  figure.curve(board, () => [far, far.map((x) => half_line({ x, t: time() }).P)], { colour: "one", width: 3 });
  figure.curve(board, () => [near, near.map((x) => strip({ x, t: time() }).P)], { colour: "two", width: 3 });
  figure.legend([["one", "half line"], ["two", "with a wall at x = 1"]]);
  figure.onUpdate(() => {
    const at = { x: 0, t: time() };
    figure.say(
      `t = ${number(time())}: pressure at the well ${number(half_line(at).P)} on the half line, ${number(strip(at).P)} with the wall; ` +
      `slope there ${number(half_line(at).slope)}. Drawn so far: t/2 = ${number(time() / 2)}.`,
    );
  });
};
