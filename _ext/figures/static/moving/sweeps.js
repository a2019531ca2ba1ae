"use strict";
window.movingDrawings.sweeps = (figure) => {
  const { sweeps, data } = figure.kit;
  const { element, number } = window.movingTools;
  const DEPTH = 3;
  const superscript = (m, l) => `⁽${"⁰¹²³"[m]}’${"⁰¹²³"[l]}⁾`;
  const ORDER = [];
  for (let l = 1; l <= DEPTH; l += 1) for (let m = l; m <= DEPTH; m += 1) ORDER.push(["G", m, l]);
  for (let l = 1; l <= DEPTH; l += 1) for (let m = DEPTH; m >= l; m -= 1) ORDER.push(["B", m, l]);
  const uses = ([family, m, l]) => {
    if (family === "G") return m === l ? [] : [["G", m - 1, l]];
    return m === DEPTH ? [["G", m, l]] : [["G", m, l], ["B", m + 1, l]];
  };
  const WORDS = {
    G: (m, l) => (m === l
      ? `G${superscript(m, l)} is the identity: a layer answers to itself`
      : `G${superscript(m, l)} is G${superscript(m - 1, l)}, multiplied by the slopes of layer ${m - 1} and the weights of layer ${m}`),
    B: (m, l) => (m === DEPTH
      ? `B${superscript(m, l)} is the curvature M of the loss times G${superscript(m, l)}`
      : `B${superscript(m, l)} is B${superscript(m + 1, l)} carried back through the weights of layer ${m + 1}, and a term with h″ times G${superscript(m, l)}`),
  };
  figure.state.step ??= 1;
  const move = (by) => () => { figure.state.step = Math.min(ORDER.length - 1, Math.max(0, figure.state.step + by)); };
  figure.buttons({ "Back": move(-1), "Next": move(1), "All": move(99), "Start again": move(-99) });
  const weight = figure.slider({ key: "weight", label: "weight w₁₁ of layer 1", min: -1.5, max: 1.5, step: 0.1, start: data.w[1][0][0] });

  const boxes = {};
  for (const family of ["G", "B"]) {
    const rows = [];
    for (let m = DEPTH; m >= 1; m -= 1) {
      const cells = [];
      for (let l = 1; l <= DEPTH; l += 1) {
        const td = element("td", {});
        if (l <= m) boxes[[family, m, l]] = td;
        cells.push(td);
      }
      rows.push(element("tr", {}, element("th", { scope: "row" }, `m = ${m}`), ...cells));
    }
    const head = element("tr", {}, element("th", {}, "layers"), ...[1, 2, 3].map((l) => element("th", { scope: "col" }, `l = ${l}`)));
    const table = element("table", { class: "moving-sweep" }, element("caption", {}, family === "G" ? "G, upwards" : "B, downwards"), head, ...rows);
    figure.stage.append(element("div", { class: "moving-scroll", tabindex: 0, role: "group", "aria-label": `The arrays ${family}` }, table));
  }
  figure.onUpdate(() => {
    const w = structuredClone(data.w);
    w[1][0][0] = weight();
    const all = sweeps({ ...data, w });
    const step = figure.state.step;
    const used = uses(ORDER[step]).map(String);
    ORDER.forEach((one, at) => {
      const box = boxes[one];
      const [family, m, l] = one;
      const text = (value) => value.toFixed(2).replace("-0.00", "0.00").replace("-", "−");
      const matrix = element("table", { role: "presentation" }, ...all[family][m][l].map((row) => element("tr", {}, ...row.map((x) => element("td", {}, text(x))))));
      box.replaceChildren(matrix);
      box.classList.toggle("later", at > step);
      box.classList.toggle("now", at === step);
      box.classList.toggle("used", used.includes(String(one)));
    });
    const [family, m, l] = ORDER[step];
    const entries = all[family][m][l].map((row) => row.map((x) => number(x)).join(", ")).join("; ");
    figure.say(`Step ${step + 1} of ${ORDER.length}. ${WORDS[family](m, l)}: ${entries}.`);
  });
};
