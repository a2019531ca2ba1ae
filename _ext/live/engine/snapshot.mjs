// Start Python, import the engine, answer some questions, and keep its memory:
//   node snapshot.mjs PYODIDE COMPILED.zip DRIVER.py QUESTIONS.json MEMORY IMPORTED.json
// A page that begins with this memory need not import anything. IMPORTED names its modules.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [pyodide, compiled, driver, questions, memory, imported] = process.argv.slice(2);
process.on("uncaughtException", (error) => {
  console.error(`${error.message ?? error}`); // else node shows the line, which is the whole of Pyodide
  process.exit(1);
});
const { loadPyodide } = await import(pathToFileURL(path.join(pyodide, "pyodide.mjs")));
const python = await loadPyodide({
  indexURL: pyodide + path.sep,
  _makeSnapshot: true,
  env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0" },
});
python.FS.writeFile("/lib/compiled.zip", new Uint8Array(fs.readFileSync(compiled)));
python.runPython(`import sys; sys.path.append("/lib/compiled.zip")`);
python.runPython(fs.readFileSync(driver, "utf8"));
const answer = python.globals.get("answer");
for (const question of JSON.parse(fs.readFileSync(questions, "utf8"))) {
  const told = JSON.parse(answer(JSON.stringify(question)));
  if ("fault" in told) throw new Error(`${JSON.stringify(question)}: ${told.fault}`);
}
answer.destroy();
fs.writeFileSync(imported, python.runPython(`moved("/lib/compiled.zip", "/lib/rest.zip")`));
fs.writeFileSync(memory, python.makeMemorySnapshot());
