// What tests/test_site.py wants to know of an open page: evaluated in the browser, once everything has loaded.
async () => {
  const least = 4.5;  // contrast of text, level AA of the Web Content Accessibility Guidelines; 3 for large text
  if (window.MathJax?.startup?.promise) await MathJax.startup.promise;
  await document.fonts.ready;
  await Promise.allSettled([...document.images].map(i => i.decode()));
  await new Promise(resolve => setTimeout(resolve, 300));  // a change of theme or size is drawn, late complaints come in
  document.querySelector("#pst-back-to-top")?.style.setProperty("display", "block");  // else while one scrolls up only
  for (const a of document.getAnimations())  // on a busy machine colours are still on their way: they arrive now
    if (a instanceof CSSTransition) a.finish();
  const visible = e => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});

  const parse = text => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return {r, g, b, a};
  };
  const over = (top, bottom) => {
    const mix = c => top[c] * top.a + bottom[c] * (1 - top.a);
    return {r: mix("r"), g: mix("g"), b: mix("b"), a: 1};
  };
  const base = parse(document.documentElement.dataset.theme === "dark" ? "rgb(0, 0, 0)" : "rgb(255, 255, 255)");
  const grounds = new Map();  // many texts lie in the same boxes
  const ground = e => {
    if (!e) return base;
    if (!grounds.has(e)) grounds.set(e, over(parse(getComputedStyle(e).backgroundColor), ground(e.parentElement)));
    return grounds.get(e);
  };
  const luminance = c => {
    const linear = v => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = [c.r, c.g, c.b].map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };

  const faint = [], dollars = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement, text = node.textContent.trim();
    if (!text || !visible(e) || e.closest("script, style, noscript, mjx-assistive-mml")) continue;
    if (/\$|\\[([]/.test(text) && !e.closest("pre, code, mjx-container")) dollars.push(text);
    const style = getComputedStyle(e), back = ground(e);
    const ratio = contrast(over(parse(style.color), back), back), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : least)) faint.push([text.slice(0, 40), style.color, back, ratio.toFixed(2)]);
  }

  const formulas = [...document.querySelectorAll("span.math, div.math")];
  const cut = formulas.filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0
      && !["auto", "scroll"].includes(getComputedStyle(e).overflowX)
      && ![...e.querySelectorAll("*")].some(c => ["auto", "scroll"].includes(getComputedStyle(c).overflowX)));
  const scrolling = [...document.querySelectorAll("div.math mjx-container")]
      .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
      .map(e => [e.parentElement.id || e.textContent.slice(0, 60), e.parentElement.style.fontSize]);
  const wide = [...document.querySelectorAll("pre")]
      .filter(e => visible(e) && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1)
      .map(e => e.textContent.slice(0, 60));
  const pictures = [...document.images];
  const isFileName = alt => /\.(png|svg|jpe?g|gif)$|^_images/.test(alt);
  return {
    theme: document.documentElement.dataset.theme,
    width: [document.documentElement.scrollWidth, window.innerWidth],
    formulas: formulas.length,
    unset: formulas.filter(e => !e.querySelector("mjx-container")).map(e => e.textContent),
    wrong: [...document.querySelectorAll("mjx-merror, mjx-mtext[style*='color: red']")].map(e => e.textContent),
    cut: cut.map(e => e.textContent.slice(0, 60)),
    dollars, faint, scrolling, wide,
    unnamed: pictures.filter(i => !i.alt.trim() || isFileName(i.alt)).map(i => i.src),
    broken: pictures.filter(i => !(i.complete && i.naturalWidth > 0)).map(i => i.src),
  };
}
