// Compile Python sources with the Python that will run them: node compile.mjs PYODIDE SOURCES.zip COMPILED.zip
// What others wrote goes without docstrings, which nobody reads there; hesslib keeps its assertions.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [pyodide, sources, compiled] = process.argv.slice(2);
process.on("uncaughtException", (error) => {
  console.error(`${error.message ?? error}`); // else node shows the line, which is the whole of Pyodide
  process.exit(1);
});
const { loadPyodide } = await import(pathToFileURL(path.join(pyodide, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: pyodide + path.sep });
python.FS.writeFile("/tmp/sources.zip", new Uint8Array(fs.readFileSync(sources)));
python.runPython(`
import importlib._bootstrap_external as loader
import warnings
import zipfile

warnings.simplefilter("ignore")
with zipfile.ZipFile("/tmp/sources.zip") as sources, zipfile.ZipFile("/tmp/compiled.zip", "w") as compiled:
    for name in sources.namelist():
        optimize = 0 if name.startswith("hesslib/") else 2
        code = compile(sources.read(name), name, "exec", dont_inherit=True, optimize=optimize)
        entry = zipfile.ZipInfo(name + "c")  # the same date always
        compiled.writestr(entry, loader._code_to_timestamp_pyc(code), zipfile.ZIP_DEFLATED, 9)
`);
fs.writeFileSync(compiled, python.FS.readFile("/tmp/compiled.zip"));
