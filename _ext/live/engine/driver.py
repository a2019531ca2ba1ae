"""The program that answers in the page: a question as JSON, the verdict as JSON. Nothing of a question is evaluated."""

import json


def answer(question):
    """The verdict on a ``text`` in a ``notation``, or on a ``sheet``; a ``quick`` one looks for no slip."""
    from hesslib.derivations.reading import beside, judgement, notation

    try:
        asked = json.loads(question)
        work = judgement.Work(judgement.MAX_WORK if asked.get("quick") else 0)
        if asked.get("sheet"):
            verdict = beside.judged_on(asked["text"], asked["sheet"], work)
        else:
            verdict = judgement.judged(asked["text"], notation.notation_of(asked["notation"]), work)
        return json.dumps(verdict.data())
    except Exception as error:  # noqa: BLE001 - whatever it is, the page must say that there is no verdict
        return json.dumps({"fault": f"{type(error).__name__}: {error}"})


def moved(old, new):
    """Look for what is not imported yet in another archive; the names of the modules that are imported."""
    import gc
    import sys
    import zipimport

    for module in list(sys.modules.values()):
        if any(place.startswith(old) for place in getattr(module, "__path__", ())):
            module.__path__ = [place.replace(old, new) for place in module.__path__]
    sys.path[:] = [new if place == old else place for place in sys.path]
    sys.path_importer_cache.clear()
    vars(zipimport)["_zip_directory_cache"].clear()
    gc.collect()
    return json.dumps(sorted(sys.modules))
