"use strict";
window.movingDrawings.cells = (figure) => {
  const { hessian, data } = figure.kit;
  const { element, lowered, number } = window.movingTools;
  const WIDTHS = [2, 2, 1];
  const parameters = data.parameters.map(([kind, to, from]) => ({ layer: Number(kind[1]), to, from: from ?? null }));
  const name = ({ layer, to, from }) => `${from ? "w" : "b"}${layer === 1 ? "⁽¹⁾" : "⁽²⁾"}${lowered(from ? `${to}${from}` : to)}`;
  const cell = (figure.state.cell ??= [0, 6]);
  const target = figure.slider({ key: "target", label: "target t", min: -2, max: 2, step: 0.1, start: data.t[0] });
  const parts = () => hessian({ ...data, t: [target()] }).parts;

  // The network: the path of either weight, and what they share.
  const board = figure.board({
    label: "The paths of the two weights to the output", x: [-0.3, 2.3], y: [-0.85, 0.85], ratio: 0.6, widest: 300, frame: false,
  });
  const uses = (weight, l, j, i) => (weight.from && weight.layer === l && weight.to === j && weight.from === i)
    || (weight.layer === 1 && l === 2 && weight.to === i);
  const chosen = () => cell.map((at) => parameters[at]);
  figure.network(board, WIDTHS, {
    edge: (l, j, i) => {
      const [one, other] = chosen().map((weight) => uses(weight, l, j, i));
      return { width: one || other ? 5 : 1, colour: one && other ? "three" : one ? "one" : other ? "two" : "ink" };
    },
    unit: (l, j) => {
      const [one, other] = chosen().map((weight) => !weight.from && weight.layer === l && weight.to === j);
      return { colour: one && other ? "three" : one ? "one" : other ? "two" : "ground", above: `${"xzy"[l]}${l < 2 ? lowered(j) : ""}` };
    },
  });
  figure.legend([["one", "path of the row's weight"], ["two", "path of the column's"], ["three", "both"]]);

  // The table. One cell has the tab stop; arrows move it.
  const head = element("tr", {}, element("td"), ...parameters.map((one) => element("th", { scope: "col" }, name(one))));
  const buttons = parameters.map((row, r) => parameters.map((column, c) => {
    const td = element("td", { role: "gridcell", tabindex: -1, "data-key": `${r},${c}` });
    td.addEventListener("click", () => choose(r, c));
    td.addEventListener("keydown", (event) => {
      const [dr, dc] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
      if (!dr && !dc) return;
      event.preventDefault();
      const keep = (at) => Math.min(parameters.length - 1, Math.max(0, at));
      choose(keep(r + dr), keep(c + dc));
      buttons[cell[0]][cell[1]].focus();
    });
    return td;
  }));
  function choose(r, c) {
    [cell[0], cell[1]] = [r, c];
    figure.update();
  }
  const rows = parameters.map((row, r) => element("tr", { role: "row" }, element("th", { scope: "row" }, name(row)), ...buttons[r]));
  const table = element("table", { role: "grid", "aria-label": "Second derivatives of the error", class: "moving-heat" }, head, ...rows);
  figure.stage.append(element("div", { class: "moving-scroll" }, table));

  figure.onUpdate(() => {
    const all = parts();
    const sum = (three) => three[0] + three[1] + three[2];
    const most = Math.max(...all.flat().map((three) => Math.abs(sum(three))));
    all.forEach((row, r) => row.forEach((three, c) => {
      const td = buttons[r][c];
      const value = sum(three);
      const here = cell[0] === r && cell[1] === c;
      figure.heat(td, value, most, 1);
      td.tabIndex = here ? 0 : -1;
      td.setAttribute("aria-selected", here);
      td.setAttribute("aria-label", `${name(parameters[r])}, ${name(parameters[c])}: ${number(value)}`);
    }));
    const [row, column] = chosen();
    const three = all[cell[0]][cell[1]];
    const why = [
      three[0] !== 0 && `${number(three[0])} because the loss bends: both paths end at the output, where they meet`,
      three[1] !== 0 && `${number(three[1])} because hidden unit ${row.to} bends (h″): both weights feed it`,
      three[2] !== 0 && `${number(three[2])} because one weight is on the path of the other, which carries δ`,
    ].filter(Boolean);
    figure.say(`${name(row)} and ${name(column)}: ${number(sum(three))}. ${why.length ? `${why.join("; ")}.` : "No term: nothing joins them."}`);
  });
};
