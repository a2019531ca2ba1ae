// The worker that holds the engine. Its parts come as compressed text, since a page opened as a file may fetch nothing.
"use strict";
const parts = new Map(); // a part that has come, or the function that waits for it
const part = (name) => new Promise((resolve) => (parts.has(name) ? resolve(parts.get(name)) : parts.set(name, resolve)));

function arrived(name, text) {
  const waiting = parts.get(name);
  parts.set(name, text);
  if (typeof waiting === "function") waiting(text);
}

function bytes(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const packed = atob(text);
  const array = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i += 1) array[i] = packed.charCodeAt(i);
  return array;
}

async function inflated(name) {
  const stream = new Blob([bytes(await part(name))]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
const address = (array, type) => URL.createObjectURL(new Blob([array], { type }));

async function start() {
  self.importScripts = undefined; // Pyodide takes a worker that has it for one that cannot import modules
  const reallyFetch = self.fetch;
  self.fetch = async (what, options) =>
    String(what).endsWith("pyodide.asm.wasm")
      ? new Response(await inflated("machine"), { headers: { "Content-Type": "application/wasm" } })
      : reallyFetch(what, options);
  const memory = inflated("memory");
  const instantiate = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...told) => {
    const made = await instantiate.apply(WebAssembly, told);
    const held = made.instance.exports.memory; // as small as Python needs to start; what was kept must fit
    held.grow(Math.max(0, Math.ceil(((await memory).length - held.buffer.byteLength) / 65536)));
    return made;
  };
  const [loader, module, lock, library] = await Promise.all(["loader", "module", "lock", "library"].map(inflated));
  const { loadPyodide } = await import(address(loader, "text/javascript"));
  const createPyodideModule = (await import(address(module, "text/javascript"))).default;
  const python = await loadPyodide({
    indexURL: "https://offline.invalid/", // never asked: everything is here
    packageBaseUrl: "https://offline.invalid/",
    createPyodideModule,
    lockFileContents: new TextDecoder().decode(lock),
    stdLibURL: address(library, "application/zip"),
    _loadSnapshot: memory,
  });
  python.FS.writeFile("/lib/rest.zip", await inflated("rest"));
  return python.globals.get("answer");
}

const ready = start();
ready.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ broken: String(error?.message ?? error) }),
);
self.onmessage = async ({ data }) => {
  if (data.part) return arrived(data.part, data.text);
  const answer = await ready;
  const began = performance.now();
  postMessage({ id: data.id, verdict: JSON.parse(answer(JSON.stringify(data.question))), took: performance.now() - began });
};
