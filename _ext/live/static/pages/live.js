/* Sheets on which a formula is decided in the page. Nothing is loaded before a reader asks for a verdict.

   Formulas come from strangers, by the address of the page as well: they become text nodes and the values of fields,
   and go to MathJax only if every command in them is one that the reader of formulas knows. */
"use strict";
(() => {
  const { base, commands, notations, scripts, worker } = self.LIVE_SETTINGS;
  const KNOWN = new Set(commands);
  const LONGEST_PREVIEW = 2000; // characters; a longer formula is decided, and not shown
  const LONGEST = 10000;

  // ------------------------------------------------------------------------------------------------- the engine
  const engine = {
    worker: null,
    waiting: new Map(), // the question that is asked, by its number
    count: 0,
    loaded: new Map(), // the scripts that have come, or are coming
    ready: false,

    load(name) {
      if (!this.loaded.has(name)) {
        const coming = new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = new URL(name, base).href;
          script.onload = () => resolve();
          script.onerror = () => {
            this.loaded.delete(name);
            script.remove();
            reject(new Error(`${name} could not be loaded`));
          };
          document.head.append(script);
        });
        this.loaded.set(name, coming);
      }
      return this.loaded.get(name);
    },

    start(progress) {
      const began = new Worker(URL.createObjectURL(new Blob([worker], { type: "text/javascript" })));
      this.worker = began;
      began.onmessage = ({ data }) => this.heard(data);
      began.onerror = (event) => this.heard({ broken: event.message ?? "the worker stopped" });
      let come = 0;
      const coming = scripts.map(([name, keys]) =>
        this.load(name).then(() => {
          come += 1;
          progress(come, scripts.length);
          if (this.worker === began) for (const key of keys) began.postMessage({ part: key, text: self.LIVE_PARTS[key] });
        }),
      );
      Promise.all(coming).catch((error) => this.worker === began && this.heard({ broken: error.message }));
    },

    heard(data) {
      if (data.ready) {
        this.ready = true;
      } else if (data.broken !== undefined) {
        const asked = [...this.waiting.values()];
        this.stop();
        for (const { reject } of asked) reject(new Error(data.broken));
      } else {
        this.waiting.get(data.id)?.resolve(data.verdict);
        this.waiting.delete(data.id);
      }
    },

    ask(question, progress) {
      if (!this.worker) this.start(progress);
      this.count += 1;
      return new Promise((resolve, reject) => {
        this.waiting.set(this.count, { resolve, reject });
        this.worker.postMessage({ id: this.count, question });
      });
    },

    stop() {
      this.worker?.terminate();
      this.worker = null;
      this.ready = false;
      this.waiting.clear();
    },
  };

  // ------------------------------------------------------------------------------------------------ what is shown
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children); // strings become text nodes
    return made;
  }

  // Whether a formula has no command but those that formulas are read with. MathJax is given nothing else.
  function harmless(latex) {
    if (latex.length > LONGEST_PREVIEW || /[%#~$\u0000-\u0008\u000e-\u001f\ud800-\udfff]/.test(latex)) return false;
    const environments = [...latex.matchAll(/\\(?:begin|end)\s*(\{[^}]*\}|)/g)].map((found) => found[1]);
    if (!environments.every((name) => /^\{(aligned|align|split|gathered)\*?\}$/.test(name))) return false;
    return [...latex.matchAll(/\\([A-Za-z]+|[^])/g)].every(([command]) => KNOWN.has(command));
  }

  const complete = new Promise((resolve) => {
    if (document.readyState === "complete") resolve();
    else self.addEventListener("load", resolve);
  });

  async function typeset(place, latex, display) {
    const asked = Symbol(latex);
    place.asked = asked;
    await complete; // MathJax is deferred
    await self.MathJax.startup.promise;
    try {
      const set = await self.MathJax.tex2chtmlPromise(latex, { display });
      if (place.asked !== asked) return;
      const wrong = set.querySelector("mjx-merror");
      if (wrong) {
        place.textContent = display ? "This cannot be typeset yet." : latex;
        return;
      }
      place.replaceChildren(set);
      self.MathJax.startup.document.reset(); // not clear: displays.js goes on with what the document lists
      self.MathJax.startup.document.updateDocument();
    } catch {
      if (place.asked === asked) place.textContent = latex;
    }
  }

  function formula(latex, display = false) {
    const place = element(display ? "div" : "span", { class: display ? "live-display" : "live-inline" });
    place.textContent = latex;
    if (harmless(latex)) typeset(place, latex, display);
    return place;
  }

  const HEADS = { true: "holds", false: "does not hold", null: "cannot tell" };

  function report(verdict, sheet) {
    const head = element("strong", { class: "live-word" }, HEADS[verdict.holds]);
    const told = element("p", {}, head);
    const rows = [told];
    const say = (...what) => rows.push(element("p", {}, ...what));
    if (verdict.holds && verdict.condition) told.append(` under this condition: ${verdict.condition}`);
    else if (verdict.holds) told.append(sheet.own ? ": it is the formula that is derived here" : " for every width and depth");
    else if (verdict.reason) told.append(`: ${verdict.reason}`);
    if (verdict.pointer) rows.push(element("pre", {}, verdict.pointer));
    if (verdict.links.length > 1) {
      const items = verdict.links.map(([text, holds]) => {
        const word = element("strong", { class: `live-${HEADS[holds].replace(/ /g, "-")}` }, HEADS[holds]);
        return element("li", {}, formula(text.replace(/&/g, "")), " ", word);
      });
      rows.push(element("ol", { class: "live-links" }, ...items));
    }
    if (sheet.exercise) return rows; // which step fails; the solution is the reader's
    for (const slip of verdict.slips) {
      const shown = slip.map((text, number) => (number % 2 ? formula(text) : text));
      say(element("span", { class: "live-kind" }, "slip"), " ", ...shown);
    }
    for (const term of verdict.lacks) say(element("span", { class: "live-kind" }, "lacks"), " ", formula(term));
    for (const term of verdict.instead) say(element("span", { class: "live-kind" }, "has instead"), " ", formula(term));
    if (verdict.nearest) {
      rows.push(element("p", { class: "live-kind" }, "nearest right formula"), formula(verdict.nearest, true));
    }
    if (verdict.counterexample) say(element("span", { class: "live-kind" }, "for instance"), " ", verdict.counterexample);
    if (verdict.condition && verdict.holds === false) say(`It would hold under this condition: ${verdict.condition}`);
    return rows;
  }

  // ----------------------------------------------------------------------------------------------------- a sheet
  let number = 0;

  function build(place, sheet) {
    number += 1;
    const id = `live-${number}`;
    const field = element("textarea", {
      id: `${id}-formula`, rows: Math.min(10, sheet.text.split("\n").reduce((rows, line) => rows + 1 + Math.floor(line.length / 50), 1)), spellcheck: "false",
      autocapitalize: "off", autocomplete: "off", autocorrect: "off", "aria-describedby": `${id}-help`,
      maxlength: LONGEST,
    });
    field.value = sheet.text;
    const preview = element("div", { class: "live-preview", "aria-hidden": "true" });
    const output = element("div", { class: "live-verdict", role: "status", "aria-live": "polite" });
    const bar = element("progress", { max: scripts.length + 2, value: 0, "aria-label": "loading" });
    const stage = element("span", {});
    const cancel = element("button", { type: "button", onclick: () => stop("Cancelled.") }, "Cancel");
    const working = element("div", { class: "live-working", hidden: true }, bar, stage, cancel);
    const decide = element("button", { type: "submit", class: "live-decide" }, "Decide");
    const again = element("button", { type: "button", onclick: reset }, sheet.text ? "As it was" : "Clear");
    const link = element("a", { class: "live-link", href: "#" }, "Link to this formula");
    const controls = element("div", { class: "live-controls" }, decide, again, link);
    const select = element("select", { id: `${id}-notation`, onchange: changed });
    for (const [name, title] of notations) select.append(element("option", { value: name }, title));
    select.value = sheet.notation || notations[0][0];

    const form = element("form", { class: "live-form", id, "aria-label": sheet.title || "A formula to decide" });
    if (sheet.choice) {
      form.append(element("p", {}, element("label", { for: `${id}-notation` }, "Notation"), " ", select));
    }
    if (sheet.examples?.length) {
      const list = element("p", { class: "live-examples" }, "Examples: ");
      for (const [title, notation, text] of sheet.examples) {
        list.append(element("button", { type: "button", onclick: () => put(text, notation) }, title), " ");
      }
      form.append(list);
    }
    form.append(
      element("label", { for: `${id}-formula` }, "Formula, in LaTeX"),
      field,
      element("p", { id: `${id}-help`, class: "live-help" }, "Ctrl and Enter decides. The first verdict loads the engine."),
      preview, controls, working, output,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      run();
    });
    field.addEventListener("input", changed);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        run();
      }
    });

    let waiting;
    let asked = 0;
    function changed() {
      link.setAttribute("href", addressOf([sheet.id, field.value, ...(sheet.choice ? [select.value] : [])]));
      clearTimeout(waiting);
      waiting = setTimeout(show, 150);
    }
    function show() {
      const text = field.value.trim();
      if (!text) preview.replaceChildren();
      else if (harmless(text)) typeset(preview, shownAs(text), true);
      else {
        preview.asked = null;
        preview.textContent = "There is no preview of this text; it can be decided all the same.";
      }
    }
    function reset() {
      put(sheet.text, sheet.notation || select.value);
      field.focus();
    }
    function put(text, notation) {
      stop("");
      field.value = text;
      if (notation && notations.some(([name]) => name === notation)) select.value = notation;
      output.replaceChildren();
      changed();
    }
    function stop(word) {
      if (!working.hidden) {
        engine.stop();
        working.hidden = true;
        decide.disabled = false;
        output.append(word);
      }
      asked += 1;
    }
    async function answered(question) {
      const verdict = await engine.ask(question, (come, all) => {
        bar.value = come;
        stage.textContent = come < all ? `loading the engine, ${come} of ${all}` : "starting Python, then deciding";
      });
      if (verdict.fault) throw new Error(verdict.fault);
      return verdict;
    }
    async function run() {
      if (!working.hidden) return;
      asked += 1;
      const mine = asked;
      const question = { text: field.value };
      if (sheet.own) question.sheet = { words: sheet.own, known: sheet.known };
      else question.notation = select.value;
      output.replaceChildren();
      output.removeAttribute("data-holds");
      bar.value = engine.ready ? scripts.length + 1 : 0;
      stage.textContent = engine.ready ? "deciding" : "loading the engine";
      const patience = setTimeout(() => (working.hidden = mine !== asked), engine.ready ? 300 : 0);
      decide.disabled = true;
      try {
        const verdict = await answered({ ...question, quick: true });
        if (mine !== asked) return;
        output.dataset.holds = String(verdict.holds);
        output.replaceChildren(...report(verdict, sheet));
        if (verdict.holds !== false || sheet.exercise) return;
        bar.value = bar.max;
        stage.textContent = "looking for the slip";
        const whole = await answered(question);
        if (mine === asked) output.replaceChildren(...report(whole, sheet));
      } catch (error) {
        if (mine === asked) output.textContent = `There is no verdict: ${error.message}`;
      } finally {
        clearTimeout(patience);
        if (mine === asked) {
          working.hidden = true;
          decide.disabled = false;
        }
      }
    }
    place.append(form);
    changed();
    show();
    return { field, put };
  }

  // Letters, digits, "-" and "_" only: the theme takes the end of an address for a selector.
  function addressOf(told) {
    const bytes = new TextEncoder().encode(JSON.stringify(told));
    const packed = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    return `#try-${packed.replace(/[+]/g, "-").replace(/[/]/g, "_").replace(/=/g, "")}`;
  }
  function toldBy(address) {
    if (!address.startsWith("#try-")) return [];
    try {
      const packed = atob(address.slice(5).replace(/-/g, "+").replace(/_/g, "/"));
      const told = JSON.parse(new TextDecoder().decode(Uint8Array.from(packed, (sign) => sign.charCodeAt(0))));
      return Array.isArray(told) && told.every((one) => typeof one === "string") ? told : [];
    } catch {
      return [];
    }
  }

  // A display as MathJax wants it: rows need something to be aligned in.
  function shownAs(text) {
    return /\\\\|&/.test(text) && !/\\begin/.test(text) ? `\\begin{aligned}${text}\\end{aligned}` : text;
  }

  // A place on the page: an empty sheet is open, another opens by its button.
  function equip(place) {
    const sheet = JSON.parse(place.dataset.sheet);
    let made = null;
    const open = () => {
      made ??= build(place, sheet);
      return made;
    };
    if (sheet.open) {
      open();
    } else {
      const name = sheet.title ? `Try it: ${sheet.title}` : "Try it";
      const button = element("button", { type: "button", class: "live-open", "aria-expanded": "false", "aria-label": name });
      button.textContent = "Try it";
      place.toggle = (wanted) => {
        open();
        const form = place.querySelector("form");
        form.hidden = !wanted;
        button.setAttribute("aria-expanded", String(wanted));
        button.textContent = wanted ? "Close" : "Try it";
        button.setAttribute("aria-label", wanted ? `Close: ${sheet.title ?? ""}` : name);
      };
      button.addEventListener("click", () => {
        const wanted = button.getAttribute("aria-expanded") === "false";
        place.toggle(wanted);
        if (wanted) made.field.focus();
      });
      place.append(button);
    }
    return [sheet.id, { place, open, sheet }];
  }

  const sheets = new Map([...document.querySelectorAll(".live-sheet[data-sheet]")].map(equip));

  // The address may name a sheet and bring a formula for it. What it brings is text, whatever it is.
  function follow() {
    const [name, text, notation] = toldBy(location.hash);
    const found = sheets.get(name);
    if (!found || text === undefined) return;
    const { put, field } = found.open();
    found.place.toggle?.(true);
    put(text.slice(0, LONGEST), notation);
    found.place.scrollIntoView({ block: "nearest" });
    field.focus({ preventScroll: true });
  }
  self.addEventListener("hashchange", follow);
  follow();
})();
