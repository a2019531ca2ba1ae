// The search of the book: what find-data.js holds, ranked. It fetches nothing, so that it works from files.
"use strict";
(() => {
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase()
    .replace(/[-‐‑–—_/’']/g, " ");
  const bare = (word) => word.replace(/^\.+|\.+$/g, "");
  const words = (text) => plain(text).match(/[\p{L}\p{N}.]+/gu)?.map(bare).filter(Boolean) ?? [];
  const stem = (word) => (word.length > 4 ? word.replace(/(ies|es|s|ing|ed)$/, "") : word);
  const NUMBER = /^\(?(\d+\.\d+)\)?$/;
  const STOP = new Set("a an and by do for from how i in is my of on the to with".split(" "));

  function telling(text) {
    const all = words(text);
    const some = all.filter((word) => !STOP.has(word));
    return some.length ? some : all;
  }

  // How well the words of a text answer to one word: wholly, by their stem, at their beginning.
  function answer(list, word) {
    let best = 0;
    for (const one of list) {
      if (one === word) return 1;
      if (best < 0.8 && stem(one) === stem(word)) best = 0.8;
      else if (best < 0.6 && word.length > 2 && one.startsWith(stem(word))) best = 0.6;
    }
    return best;
  }

  function prepare(book) {
    const pages = book.pages.map((page) => ({ ...page, words: telling(page.title), more: page.names.map(telling) }));
    const sections = book.sections.map(([page, anchor, title, text]) => {
      const all = words(text);
      const counts = new Map();
      for (const word of all) counts.set(stem(word), (counts.get(stem(word)) ?? 0) + 1);
      return { page, anchor, title, text, words: telling(title), counts, length: all.length };
    });
    const equations = book.equations.map((one) => ({
      ...one, words: telling(one.label), more: one.names.map(telling), rest: words(`${one.source} ${one.chapter}`),
    }));
    const functions = book.functions.map((one) => ({
      ...one, words: words(one.name.replace(/\./g, " ")), rest: words(one.about),
    }));
    return { pages, sections, equations, functions };
  }

  // Synonyms of a word, itself first.
  function others(word, table) {
    for (const [main, list] of Object.entries(table)) {
      const group = [main, ...list];
      if (group.includes(word)) return group;
    }
    return [word];
  }

  function search(query, book, index) {
    const number = query.trim().match(NUMBER)?.[1];
    if (number) {
      const here = index.equations.filter((one) => one.number === number);
      const there = index.equations.filter((one) => one.source.includes(`(${number})`));
      const hits = [...there, ...here.filter((one) => !there.includes(one))];
      if (hits.length) return hits.map((one) => ({ kind: "equation", one, score: 1 }));
    }
    const asked = words(query).filter((word) => !STOP.has(word)).map((word) => others(word, book.words));
    if (!asked.length) return [];
    const of = (list, group) => Math.max(...group.map((word, at) => answer(list, word) * (at ? 0.95 : 1)));
    const total = (list) => asked.map((group) => of(list, group));
    const every = (scores) => scores.every((score) => score > 0);
    const mean = (scores) => scores.reduce((a, b) => a + b, 0) / scores.length;
    // A name counts more, the more of it is asked for.
    const named = (list) => {
      const scores = total(list);
      return every(scores) ? mean(scores) * Math.min(1, 0.6 + 0.4 * asked.length / list.length) : 0;
    };
    const ownName = (one) => Math.max(named(one.words), 0.95 * Math.max(0, ...one.more.map(named)));
    const hits = [];
    const exact = query.trim().replace(/\(\)$/, "");
    const isNamed = (name) => /[_.]/.test(exact) && (name === exact || name.endsWith(`.${exact}`));
    const bonus = { guide: 14, chapter: 10, front: 6, reference: 4 };
    index.pages.forEach((one) => {
      const score = Math.max(ownName(one), 0.8 * named([...one.words, ...one.more.flat()]));
      if (score) hits.push({ kind: "page", one, score: 100 * score + bonus[one.kind] });
    });
    index.equations.forEach((one) => {
      const score = Math.max(ownName(one), 0.6 * named([...one.words, ...one.more.flat(), ...one.rest]));
      if (score) hits.push({ kind: "equation", one, score: 92 * score });
    });
    index.functions.forEach((one) => {
      const score = Math.max(named(one.words.slice(-3)), named(one.words), 0.5 * named([...one.words, ...one.rest]));
      if (isNamed(one.name)) hits.push({ kind: "function", one, score: 200 - one.name.length });
      else if (score) hits.push({ kind: "function", one, score: 90 * score });
    });
    index.sections.forEach((one) => {
      const page = index.pages[one.page];
      const inTitle = one.anchor ? named(one.words) : 0;
      const scores = asked.map((group) => Math.max(
        0.9 * of(one.words, group), 0.5 * of(page.words, group),
        ...group.map((word) => one.counts.get(stem(word)) ?? 0).map((n) => (n ? 0.35 + 0.5 * n / (n + 3) : 0)),
      ));
      if (inTitle || every(scores)) {
        hits.push({ kind: "section", one, score: Math.max(80 * inTitle, 45 * mean(scores)) + bonus[page.kind] / 2 });
      }
    });
    hits.sort((a, b) => b.score - a.score);
    const shown = new Map(); // sections of one page: the three best
    return hits.filter(({ kind, one }) => {
      if (kind !== "section") return true;
      const count = shown.get(one.page) ?? 0;
      shown.set(one.page, count + 1);
      return count < 3 && (one.anchor || !hits.some((hit) => hit.kind === "page" && hit.one === index.pages[one.page]));
    });
  }

  function excerpt(text, asked) {
    const low = plain(text);
    const places = asked.map((word) => low.indexOf(stem(word))).filter((at) => at >= 0);
    const start = places.length ? Math.max(0, Math.min(...places) - 60) : 0;
    const from = start ? text.indexOf(" ", start) + 1 : 0;
    const shown = text.slice(from, from + 200).replace(/\s\S*$/, "");
    return `${from ? "… " : ""}${shown}${text.length > from + 200 ? " …" : ""}`;
  }

  function element(tag, name, content) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.append(...[content].flat());
    return made;
  }

  // Text in which the words that were asked for are marked.
  function marked(text, asked) {
    const parts = text.split(/([\p{L}\p{N}]+)/u);
    const isAsked = (part) => part && asked.some((word) => plain(part).startsWith(stem(word)));
    return parts.map((part) => (isAsked(part) ? element("mark", "", part) : part));
  }

  function show({ kind, one }, index, asked) {
    let title, url, about, sort;
    if (kind === "page") {
      const first = index.sections.find((section) => index.pages[section.page] === one && section.text);
      [title, url, about] = [one.title, one.url, excerpt(first?.text ?? "", asked)];
      sort = one.kind === "front" ? "page" : one.kind;
    } else if (kind === "section") {
      const page = index.pages[one.page];
      [about, sort] = [excerpt(one.text, asked), "section"];
      title = one.anchor ? `${page.title}: ${one.title}` : page.title;
      url = page.url + (one.anchor ? `#${one.anchor}` : "");
    } else if (kind === "equation") {
      const also = one.names.length ? `also: ${one.names.join(", ")}` : "";
      about = [one.chapter, one.source, also, one.scope].filter(Boolean).join(" · ");
      [title, url, sort] = [`(${one.number}) ${one.label.replace(/-/g, " ")}`, one.url, "equation"];
    } else [title, url, about, sort] = [one.name, one.url, one.about, "function"];
    const link = element("a", "", title);
    link.href = url;
    const head = [element("span", "kind", sort), " ", link];
    return element("li", `kind-${sort}`, [...head, element("p", "", marked(about, asked))]);
  }

  window.findInBook = (query) => {
    window.findInBook.index ??= prepare(window.BOOK);
    return search(query, window.BOOK, window.findInBook.index);
  };

  document.addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("search-results");
    const query = new URLSearchParams(location.search).get("q") ?? "";
    for (const field of document.querySelectorAll("form.bd-search input[type=search]")) field.value = query;
    if (!place || !query.trim()) return;
    document.title = `${query}: search`;
    const hits = window.findInBook(query);
    const found = hits.length === 1 ? "One result." : `${hits.length} results.`;
    const said = hits.length ? found : "Nothing was found. Try fewer words, the number of an equation, or a name.";
    const status = element("p", "search-summary", said);
    status.setAttribute("role", "status");
    const rows = hits.slice(0, 60).map((hit) => show(hit, window.findInBook.index, words(query)));
    place.append(status, element("ol", "search", rows));
  });
})();
