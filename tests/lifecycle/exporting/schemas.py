"""Documents held against their schemas, by what the schemas here use."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from lxml import etree

HERE = Path(__file__).parent
XES = etree.XMLSchema(etree.parse(HERE / "xes.xsd"))
OCEL = json.loads((HERE / "ocel.schema.json").read_text("utf-8"))
KINDS: dict[str, type] = {"object": dict, "array": list, "string": str}


def faults(value: Any, schema: Any = OCEL, place: str = "") -> Iterator[str]:
    """Yield where a value is not what a JSON schema of type, properties, required, items and date-time asks for."""
    schema = OCEL["definitions"][schema["$ref"]] if "$ref" in schema else schema
    if not isinstance(value, KINDS[schema["type"]]):
        yield f"{place}: no {schema['type']}"
        return
    if schema.get("format") == "date-time" and datetime.fromisoformat(value).utcoffset() is None:
        yield f"{place}: no instant"
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place}: no {name}"
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            yield from faults(value[name], inner, f"{place}/{name}")
    if "items" in schema:
        for number, item in enumerate(value):
            yield from faults(item, schema["items"], f"{place}/{number}")
