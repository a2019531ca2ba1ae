/* Displays that are wider than their column: first the reasons go beneath their lines, then the left side onto a line
   of its own, then each term of a sum, then the letters get smaller, down to three quarters; what is still too wide
   scrolls in its own box. Without this script, all of them scroll. */
"use strict";
(() => {
  const SMALLEST = 0.75;
  const ROWS = /^(.*?\\begin\{aligned\}\n?)(.*?)(\n?\\end\{aligned\}.*)$/s;
  const END_OF_ROW = /\s*\\\\\n/;
  const REASON = /\s*&&\s*(\{\\small\\text\{.*\}\})$/s; // as hesslib.calculus.steps writes it
  const CONTINUED = /^\s*&\\quad/; // a row that goes on with the right side of the row above
  const SECOND_COLUMN = " &\\qquad ";

  // Where signs and relations stand that are not inside something else.
  function* outermost(tex) {
    let depth = 0;
    for (const found of tex.matchAll(/\\left\b|\\right\b|\\.|[{}]| ([+-]|=|\\simeq) /g)) {
      const [token, sign] = found;
      if (token === "{" || token === "\\left") depth += 1;
      else if (token === "}" || token === "\\right") depth -= 1;
      else if (sign && depth === 0) yield [sign, found.index];
    }
  }

  // A display of one line, as rows that are aligned at its relation.
  function aligned(tex) {
    if (tex.includes("\\begin")) return tex;
    const [, at] = [...outermost(tex)].find(([sign]) => !/[+-]/.test(sign)) ?? [];
    return at === undefined ? tex : `\\begin{aligned}\n${tex.slice(0, at)} &${tex.slice(at + 1)}\n\\end{aligned}`;
  }

  function rearranged(tex, arrange) {
    const [, head, body, tail] = aligned(tex).match(ROWS) ?? [];
    return body === undefined ? tex : head + arrange(body.split(END_OF_ROW)).join(" \\\\\n") + tail;
  }

  // The right one of two columns below the left one, and each reason in a row after the last row of its step.
  function reasonsBeneath(rows) {
    const columns = rows.map((row) => row.split(SECOND_COLUMN));
    const below = [0, 1].flatMap((side) => columns.map((row) => row[side] ?? ""));
    const arranged = [];
    let reason = null;
    for (const row of below.filter((one) => !["", "&"].includes(one.trim()))) {
      if (reason && !CONTINUED.test(row)) arranged.push(`&\\quad ${reason}`);
      const found = row.match(REASON);
      if (found || !CONTINUED.test(row)) reason = found ? found[1] : null;
      arranged.push(found ? row.slice(0, found.index) : row);
    }
    return reason ? [...arranged, `&\\quad ${reason}`] : arranged;
  }

  // Left sides on lines of their own: what follows them starts further left.
  function leftSidesAbove(rows) {
    return rows.flatMap((row) => {
      const [, left, right] = row.match(/^([^&]*)(&.*)$/s) ?? [];
      return left?.trim() ? [`\\rlap{${left}}`, `\\quad ${right}`] : [row];
    });
  }

  // Each term of the right side in a row.
  function termsBelow(rows) {
    const isTerm = (text) => text.replace(/&|=|\\(quad|simeq|neq)\b/g, "").trim();
    return rows.flatMap((row) => {
      const parts = [];
      let start = 0;
      for (const [sign, at] of outermost(row)) {
        if (/[+-]/.test(sign) && isTerm(row.slice(start, at))) {
          parts.push(row.slice(start, at));
          start = at;
        }
      }
      const [first, ...others] = [...parts, row.slice(start)];
      return [first, ...others.map((term) => `&\\quad\\quad {}${term}`)];
    });
  }

  const ARRANGEMENTS = [reasonsBeneath, leftSidesAbove, termsBelow];
  const applied = new WeakMap(); // how many of them a display has been through
  const excess = (item) => item.typesetRoot.scrollWidth / item.typesetRoot.clientWidth;

  function fit() {
    const { COMPILED } = MathJax._.core.MathItem.STATE;
    const there = (item) => item.display && item.typesetRoot?.isConnected && item.typesetRoot.clientWidth > 0;
    let wide = [...MathJax.startup.document.math].filter((item) => there(item) && excess(item) > 1);
    ARRANGEMENTS.forEach((arrange, number) => {
      for (const item of wide.filter((one) => (applied.get(one) ?? 0) === number)) {
        item.math = rearranged(item.math, arrange);
        item.rerender(MathJax.startup.document, COMPILED);
        applied.set(item, number + 1);
      }
      wide = wide.filter((item) => excess(item) > 1);
    });
    for (let pass = 0; pass < 3; pass += 1) { // hinting and minimal spaces do not shrink in proportion
      for (const [item, ratio] of wide.map((item) => [item, excess(item)])) {
        const { style } = item.typesetRoot.parentElement;
        const percent = (0.97 / ratio) * parseFloat(style.fontSize || "100");
        if (ratio > 1) style.fontSize = `${Math.max(100 * SMALLEST, percent)}%`;
      }
    }
  }

  function pageReady() {
    let waiting;
    window.addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(fit, 100);
    });
    return MathJax.startup.defaultPageReady().then(fit);
  }
  window.MathJax = { ...window.MathJax, startup: { ...window.MathJax?.startup, pageReady } };
})();
