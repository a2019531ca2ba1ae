"use strict";
window.movingDrawings.attention = (figure) => {
  const { layer, data } = figure.kit;
  const { element, lowered, number } = window.movingTools;
  const KINDS = ["query", "key", "value"];
  const names = ["q", "k", "v"].flatMap((kind) => [1, 2].map((feature) => kind + lowered(feature)));
  const places = data.x.map((_, t) => t);
  const MASKS = {
    "sees itself and what came before": places.map((t) => places.map((u) => (u <= t ? 1 : 0))),
    "sees all positions": places.map(() => places.map(() => 1)),
  };
  const PARTS = {
    "the whole Hessian": (kept, left) => kept + left,
    "the Gauss-Newton part": (kept) => kept,
    "what Gauss-Newton leaves out": (_, left) => left,
  };
  const scale = figure.slider({ key: "scale", label: "scale of all weights α", min: 0.1, max: 2, step: 0.05, start: 0.3 });
  const mask = figure.choice({ key: "mask", label: "a position", options: Object.keys(MASKS) });
  const part = figure.choice({ key: "part", label: "shown is", options: Object.keys(PARTS) });

  const head = element("tr", {}, element("td"), ...names.map((name) => element("th", { scope: "col" }, name)));
  const cells = names.map(() => names.map(() => element("td")));
  const border = (r, c) => `cursor: default; ${r % 2 === 0 ? "border-top-width: 3px;" : ""}${c % 2 === 0 ? "border-left-width: 3px;" : ""}`;
  const rows = names.map((name, r) => {
    cells[r].forEach((td, c) => td.setAttribute("style", border(r, c)));
    return element("tr", {}, element("th", { scope: "row" }, name), ...cells[r]);
  });
  const table = element("table", { class: "moving-heat", "aria-label": "Second derivatives of the error by query, key and value weights" }, head, ...rows);
  figure.stage.append(element("div", { class: "moving-scroll" }, table));

  figure.onUpdate(() => {
    const grown = (weights) => weights.map((row) => row.map((w) => scale() * w));
    const given = { ...data, Q: grown(data.Q), K: grown(data.K), V: grown(data.V), mask: Object.values(MASKS)[mask()], c: 1 };
    const { kept, left_out: left } = layer(given);
    const chosen = Object.values(PARTS)[part()];
    const all = kept.map((row, r) => row.map((value, c) => chosen(value, left[r][c])));
    const most = Math.max(...all.flat().map(Math.abs));
    all.forEach((row, r) => row.forEach((value, c) => figure.heat(cells[r][c], value, most, 2)));
    const norm = (kind) => Math.hypot(...[0, 1].flatMap((r) => [0, 1].map((c) => all[2 * kind + r][2 * kind + c])));
    const said = KINDS.map((kind, at) => `${kind} ${number(norm(at))}`).join(", ");
    figure.say(`Norms of the blocks on the diagonal, at α = ${number(scale())}: ${said}.`);
  });
};
