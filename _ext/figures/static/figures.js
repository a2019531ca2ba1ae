/* Figures that move. A stage that comes into view loads JSXGraph and the file that draws it; until then nothing is
   loaded. A drawing is given a Figure: its compiled functions and numbers (`kit`), native controls, boards, and one
   paragraph that says the present values. A change of a control, a point or the theme draws from the kept state. */
"use strict";
(() => {
  const here = document.currentScript.src.replace(/[^/]*$/, "");
  const MARGIN = { left: 50, right: 14, top: 26, bottom: 40 }; // pixels around the axes, for their numbers

  const loading = {};
  function load(path) {
    loading[path] ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = here + path;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return loading[path];
  }

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // A number for the eye: three digits, a true minus sign, powers of ten as a power.
  function number(value, digits = 3) {
    if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "undefined";
    if (value === 0) return "0";
    const size = Math.floor(Math.log10(Math.abs(value)));
    const plain = size < -3 || size > 5
      ? `${(value / 10 ** size).toFixed(1)}·10${raised(size)}`
      : value.toFixed(Math.max(0, Math.min(digits, digits - 1 - size)));
    return plain.replace("-", "−");
  }
  const raised = (power) => [...String(power)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("");
  const lowered = (text) => [...String(text)].map((c) => "₀₁₂₃₄₅₆₇₈₉"[c] ?? c).join("");

  const channels = (hex) => hex.match(/\w\w/g).map((part) => parseInt(part, 16));
  // So much of one colour over another one, as red, green and blue.
  const mixed = (colour, ground, share) => {
    const [top, below] = [channels(colour), channels(ground)];
    return `rgb(${top.map((x, k) => Math.round(share * x + (1 - share) * below[k])).join(", ")})`;
  };

  class Figure {
    constructor(box, kit, draw) {
      Object.assign(this, { box, kit, draw, state: {}, boards: [] });
      this.render();
      new MutationObserver(() => this.render()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      let width = box.clientWidth;
      new ResizeObserver(() => {
        if (box.clientWidth === width) return;
        width = box.clientWidth;
        this.boards.forEach((board) => board.fit());
        this.update();
      }).observe(box);
    }

    // Everything anew, from the state; the element that had the focus has it again.
    render() {
      const focused = this.box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      this.boards.forEach((board) => JXG.JSXGraph.freeBoard(board));
      this.boards = [];
      this.updates = [];
      const style = getComputedStyle(this.box);
      this.colours = Object.fromEntries(
        ["ink", "grid", "ground", "one", "two", "three", "four"].map((name) => [
          name, style.getPropertyValue(`--moving-${name}`).trim(),
        ]),
      );
      this.stage = element("div", { class: "moving-stage" });
      this.controls = element("div", { class: "moving-controls" });
      this.said = element("p", { class: "moving-says", "aria-live": "polite" });
      this.box.replaceChildren(this.stage, this.controls, this.said);
      this.draw(this);
      this.update();
      this.box.querySelector(`[data-key="${focused}"]`)?.focus();
      this.box.dataset.ready = "";
    }

    onUpdate(update) {
      this.updates.push(update);
    }

    update() {
      this.updates.forEach((update) => update());
      this.boards.forEach((board) => board.fullUpdate());
    }

    // What the values are now, in words.
    say(text) {
      if (this.said.textContent !== text) this.said.textContent = text;
    }

    // A range input with its label and value; returns a function that gives the value.
    slider({ key, label, min, max, step, start, show = number, of = (x) => x }) {
      this.state[key] ??= start;
      const value = () => of(this.state[key]);
      const output = element("b", {}, show(value())); // an <output> would take the label from the input
      const input = element("input", { type: "range", min, max, step, "data-key": key });
      input.value = this.state[key];
      const refresh = () => {
        output.textContent = show(value());
        input.setAttribute("aria-valuetext", show(value()));
        if (Number(input.value) !== this.state[key]) input.value = this.state[key];
      };
      input.addEventListener("input", () => {
        this.state[key] = Number(input.value);
        this.update();
      });
      this.onUpdate(refresh);
      this.controls.append(element("label", {}, element("span", {}, label, " ", output), input));
      return value;
    }

    // One of several; returns a function that gives the number of the chosen one.
    choice({ key, label, options, start = 0 }) {
      this.state[key] ??= start;
      const select = element("select", { "data-key": key }, ...options.map((text, at) => element("option", { value: at }, text)));
      select.value = this.state[key];
      select.addEventListener("change", () => {
        this.state[key] = Number(select.value);
        this.update();
      });
      this.controls.append(element("label", {}, element("span", {}, label), select));
      return () => this.state[key];
    }

    // Buttons in a row: texts and what they do.
    buttons(actions) {
      const row = element("div", { class: "moving-buttons" });
      for (const [text, action] of Object.entries(actions)) {
        const button = element("button", { type: "button", "data-key": text }, text);
        button.addEventListener("click", () => {
          action();
          this.update();
        });
        row.append(button);
      }
      this.controls.append(row);
    }

    // A plane with numbered axes. With `square` a unit is as long on one axis as on the other.
    board({ label, x, y, frame = true, xLabel = "", yLabel = "", xTicks = [], yTicks = [], square = false, ratio = 0.6, widest = 640, text = (at) => String(at).replace("-", "−"), points = false }) {
      const container = element("div", { class: "moving-board", role: points ? "group" : "img", "aria-label": label });
      container.id = `moving-${(Figure.count = (Figure.count ?? 0) + 1)}`;
      this.stage.append(container);
      const margin = frame ? MARGIN : { left: 4, right: 4, top: 4, bottom: 4 };
      const size = () => {
        const width = Math.min(container.parentElement.clientWidth, widest);
        const inside = width - margin.left - margin.right;
        const share = square ? (y[1] - y[0]) / (x[1] - x[0]) : ratio;
        const height = Math.round((square ? inside * share : Math.max(inside * share, 170)) + margin.top + margin.bottom);
        container.style.width = `${width}px`;
        container.style.height = `${height}px`;
        const [ux, uy] = [(x[1] - x[0]) / inside, (y[1] - y[0]) / (height - margin.top - margin.bottom)];
        const bounds = [x[0] - margin.left * ux, y[1] + margin.top * uy, x[1] + margin.right * ux, y[0] - margin.bottom * uy];
        return { width, height, bounds };
      };
      const board = JXG.JSXGraph.initBoard(container.id, {
        boundingBox: size().bounds, axis: false, showCopyright: false, showNavigation: false, showInfobox: false,
        pan: { enabled: false }, zoom: { enabled: false, wheel: false }, browserPan: { enabled: true },
        keyboard: { enabled: points, dx: 6, dy: 6, panShift: false }, resize: { enabled: false }, title: label,
        defaultAxes: {},
      });
      container.setAttribute("role", points ? "group" : "img"); // JSXGraph makes every board a landmark
      board.fit = () => {
        const { width, height, bounds } = size();
        board.resizeContainer(width, height, true, true);
        board.setBoundingBox(bounds, false);
      };
      this.boards.push(board);
      const plain = { fixed: true, highlight: false, tabindex: null, strokeColor: this.colours.grid, strokeWidth: 1 };
      const words = { fixed: true, highlight: false, tabindex: null, display: "internal", strokeColor: this.colours.ink, fontSize: 13,
        cssDefaultStyle: "", highlightCssDefaultStyle: "" };
      const segment = (from, to) => board.create("segment", [from, to], plain);
      for (const at of xTicks) {
        segment([at, y[0]], [at, y[1]]);
        board.create("text", [at, () => y[0] - 5 / board.unitY, text(at)], { ...words, anchorX: "middle", anchorY: "top" });
      }
      for (const at of yTicks) {
        segment([x[0], at], [x[1], at]);
        board.create("text", [() => x[0] - 6 / board.unitX, at, text(at)], { ...words, anchorX: "right", anchorY: "middle" });
      }
      for (const [from, to] of frame ? [[[x[0], y[0]], [x[1], y[0]]], [[x[0], y[0]], [x[0], y[1]]]] : []) {
        board.create("segment", [from, to], { ...plain, strokeColor: this.colours.ink });
      }
      if (xLabel) board.create("text", [x[1], () => y[0] - 22 / board.unitY, xLabel], { ...words, anchorX: "right", anchorY: "top" });
      if (yLabel) board.create("text", [() => x[0] - 44 / board.unitX, () => y[1] + 22 / board.unitY, yLabel], { ...words, anchorX: "left", anchorY: "top" });
      board.words = words;
      board.window = { x, y };
      return board;
    }

    // What the colours mean, above the stage.
    legend(rows) {
      const list = element("ul", { class: "moving-legend" });
      for (const [colour, words] of rows) {
        const swatch = element("span", { "aria-hidden": "true" });
        swatch.style.background = this.colours[colour];
        list.append(element("li", {}, swatch, words));
      }
      this.stage.before(list);
    }

    // Units as discs, weights as lines. `edge(l, j, i)` gives width and colour of a weight at present, `unit(l, j)` the
    // colour of a disc and the words above and below it. Layers and units count from 1, inputs are layer 0.
    network(board, widths, { edge, unit }) {
      const place = (l, j) => [l, (widths[l] - 1) / 2 - (j - 1)];
      for (let l = 1; l < widths.length; l += 1) {
        for (let j = 1; j <= widths[l]; j += 1) {
          for (let i = 1; i <= widths[l - 1]; i += 1) {
            board.create("segment", [place(l - 1, i), place(l, j)], {
              fixed: true, highlight: false, tabindex: null, withLabel: false,
              strokeWidth: () => edge(l, j, i).width, strokeColor: () => this.colours[edge(l, j, i).colour],
            });
          }
        }
      }
      for (let l = 0; l < widths.length; l += 1) {
        for (let j = 1; j <= widths[l]; j += 1) {
          const [x, y] = place(l, j);
          board.create("point", [x, y], {
            withLabel: false, size: 9, fixed: true, highlight: false, tabindex: null, showInfobox: false,
            strokeColor: this.colours.ink, strokeWidth: 1.5, fillColor: () => this.colours[unit(l, j).colour ?? "ground"],
          });
          this.text(board, x, () => y + 22 / board.unitY, () => unit(l, j).above ?? "", { anchorX: "middle" });
          this.text(board, x, () => y - 22 / board.unitY, () => unit(l, j).below ?? "", { anchorX: "middle" });
        }
      }
    }

    // A number in a cell of a heat map, shaded by its share of the largest one.
    heat(cell, value, most, digits) {
      const text = value.toFixed(digits);
      cell.textContent = (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
      cell.style.background = mixed(this.colours[value < 0 ? "one" : "two"], this.colours.ground, (0.45 * Math.abs(value)) / (most || 1));
    }

    text(board, x, y, words, look = {}) {
      return board.create("text", [x, y, words], { ...board.words, anchorX: "left", anchorY: "middle", ...look });
    }

    // A curve whose points are computed at every update: `points()` gives the list of x and that of y.
    curve(board, points, { colour = "one", width = 2, dash = 0, fill = null } = {}) {
      const drawn = board.create("curve", [[0], [0]], {
        strokeColor: this.colours[colour], strokeWidth: width, dash, highlight: false, fixed: true, tabindex: null,
        ...(fill ? { fillColor: this.colours[fill], fillOpacity: 0.25 } : {}),
      });
      drawn.updateDataArray = function () {
        [this.dataX, this.dataY] = points();
      };
      return drawn;
    }

    arrow(board, from, to, { colour = "one", width = 3, dash = 0 } = {}) {
      const end = (place) => [() => place()[0], () => place()[1]];
      return board.create("arrow", [end(from), end(to)], {
        strokeColor: this.colours[colour], strokeWidth: width, dash, highlight: false, fixed: true, tabindex: null,
        lastArrow: { type: 1, size: 5 }, point1: { visible: false }, point2: { visible: false },
      });
    }

    mark(board, place, { colour = "one", size = 4, face = "o", name = "" } = {}) {
      return board.create("point", [() => place()[0], () => place()[1]], {
        name, withLabel: false, size, face, fixed: true, highlight: false, tabindex: null, showInfobox: false,
        fillColor: this.colours[colour], strokeColor: this.colours[colour],
      });
    }

    // A point to be dragged, or moved by the arrow keys; `show` says in words where it is.
    point(board, { key, at, label, show, colour = "two" }) {
      const [low, high] = [0, 1].map((side) => [board.window.x[side], board.window.y[side]]);
      const made = board.create("point", this.state[key] ?? at, {
        name: "", withLabel: false, size: 8, showInfobox: false, tabindex: 0, fillColor: this.colours[colour],
        strokeColor: this.colours.ink, strokeWidth: 2, highlightFillColor: this.colours[colour], highlightStrokeColor: this.colours.ink,
      });
      const node = made.rendNode;
      node.dataset.key = key;
      node.setAttribute("role", "slider");
      node.setAttribute("aria-label", label);
      const place = () => this.state[key] ?? at;
      const moved = () => {
        const inside = [made.X(), made.Y()].map((value, side) => Math.min(high[side], Math.max(low[side], value)));
        this.state[key] = inside;
        this.update();
      };
      made.on("drag", moved);
      made.on("keydrag", moved);
      this.onUpdate(() => {
        made.setPosition(JXG.COORDS_BY_USER, place());
        node.setAttribute("aria-valuenow", place()[0].toFixed(3));
        node.setAttribute("aria-valuetext", show(place()));
      });
      return place;
    }

    // A surface as shades between levels: `value(x, y)` over the window of the board.
    shade(board, value, levels, { cells = 90 } = {}) {
      const { x, y } = board.window;
      const canvas = element("canvas", { width: cells, height: cells });
      const pen = canvas.getContext("2d");
      const [r, g, b] = channels(this.colours.one);
      for (let row = 0; row < cells; row += 1) {
        for (let column = 0; column < cells; column += 1) {
          const at = value(x[0] + ((column + 0.5) / cells) * (x[1] - x[0]), y[1] - ((row + 0.5) / cells) * (y[1] - y[0]));
          const level = levels.filter((one) => at > one).length / levels.length;
          pen.fillStyle = `rgba(${r}, ${g}, ${b}, ${0.06 + 0.6 * level})`;
          pen.fillRect(column, row, 1, 1);
        }
      }
      return board.create("image", [canvas.toDataURL(), [x[0], y[0]], [x[1] - x[0], y[1] - y[0]]], {
        fixed: true, highlight: false, tabindex: null, layer: 0,
      });
    }
  }

  const steps = (from, to, count) => Array.from({ length: count + 1 }, (_, at) => from + ((to - from) * at) / count);
  const ellipse = (centre, along, across, angle = 0, count = 90) => {
    const turn = steps(0, 2 * Math.PI, count);
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    return [
      turn.map((t) => centre[0] + c * along * Math.cos(t) - s * across * Math.sin(t)),
      turn.map((t) => centre[1] + s * along * Math.cos(t) + c * across * Math.sin(t)),
    ];
  };
  // A symmetric 2 by 2 matrix: its eigenvalues, and the angle of the eigenvector of the first.
  const eigen = ([[a, b], [, c]]) => {
    const [mean, half] = [(a + c) / 2, (a - c) / 2];
    const reach = Math.hypot(half, b);
    return { values: [mean + reach, mean - reach], angle: Math.atan2(b, half) / 2 };
  };
  window.movingTools = { eigen, element, ellipse, lowered, mixed, number, raised, steps };
  window.movingDrawings = {};

  async function start(box) {
    const name = box.dataset.moving;
    const needed = ["jsxgraph/jsxgraphcore.js", "moving/surface.js", `moving/${name}.js`];
    await Promise.all(needed.map(load));
    new Figure(box, window.movingFigures[name], window.movingDrawings[name]);
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      start(target);
    }
  }, { rootMargin: "400px" });
  const boxes = document.querySelectorAll("[data-moving]");
  boxes.forEach((box) => seen.observe(box));
  window.addEventListener("beforeprint", () => boxes.forEach((box) => seen.observe(box)));
})();
