#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints C that compiles only if a YNL specification fits its uapi header.

usage: netlink_spec.py SPEC HEADER [SCHEMA]

Every name that the specification implies must be in the header with the same
value, and every name of the header must be implied. With SCHEMA, the
specification must be valid against it too.
"""
import re
import sys

import yaml


def implied_names(spec):
    """Names of the header and their values, as ynl-gen-c.py makes them."""
    family = spec["name"].upper().replace("-", "_")
    names = {f"{family}_FAMILY_VERSION": spec.get("version", 1)}

    def enumerate_from(value, prefix, entries):
        prefix = prefix.upper().replace("-", "_")
        for entry in entries:
            value = entry.get("value", value)
            names[prefix + entry["name"].upper().replace("-", "_")] = value
            value += 1
        names[f"__{prefix}MAX"] = value
        names[f"{prefix}MAX"] = value - 1

    for attrs in spec["attribute-sets"]:
        enumerate_from(1, attrs["name-prefix"], attrs["attributes"])
    for enum in spec.get("definitions", []):
        prefix = f"{family}_{enum['name'].upper().replace('-', '_')}_"
        for value, entry in enumerate(enum["entries"]):
            names[prefix + entry["name"].upper()] = value
    enumerate_from(1, f"{family}_CMD_", spec["operations"]["list"])
    return names


def implied_types(spec):
    """Types of the attributes, as the header's comments begin."""
    types = {}
    for attrs in spec["attribute-sets"]:
        for attr in attrs["attributes"]:
            name = attrs["name-prefix"] + attr["name"]
            types[name.upper().replace("-", "_")] = attr["type"]
    return types


def header_types(text):
    """The same, of the header."""
    found = re.findall(r"(PERCORE_A_\w+),\s*/\* (\w+)", text)
    words = {"nested": "nest", "4": "binary"}
    return {name: words.get(word, word) for name, word in found}


def header_names(text):
    """Names that the header defines, but for its guard and the family's name."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    names = set(re.findall(r"\b_*PERCORE_\w+", text)) - {"PERCORE_FAMILY_NAME"}
    return {name for name in names if not name.startswith("PERCORE_MCGRP_")}


def implied_groups(spec):
    """Macros of the multicast groups, and the names that they stand for."""
    prefix = f'{spec["name"].upper()}_MCGRP_'
    return {prefix + group["name"].upper().replace("-", "_"): group["name"]
            for group in spec["mcast-groups"]["list"]}


def main():
    spec = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
    header = open(sys.argv[2], encoding="utf-8").read()
    if len(sys.argv) > 3:
        import jsonschema
        schema = yaml.safe_load(open(sys.argv[3], encoding="utf-8"))
        jsonschema.validate(spec, schema)

    names = implied_names(spec)
    for name in sorted(header_names(header) - set(names)):
        print(f'#error "{name} is not in the specification"')
    for name, kind in header_types(header).items():
        wanted = implied_types(spec).get(name)
        if wanted != kind:
            print(f'#error "{name}: {wanted} specified, {kind} in the header"')
    print(header)
    for name, value in names.items():
        print(f'_Static_assert({name} == {value}, "{name}");')
    print('_Static_assert(__builtin_strcmp(PERCORE_FAMILY_NAME,'
          f' "{spec["name"]}") == 0, "name");')
    for macro, name in implied_groups(spec).items():
        print(f'_Static_assert(__builtin_strcmp({macro}, "{name}") == 0, "group");')
    for attrs in spec["attribute-sets"]:
        print(f'enum {attrs["enum-name"].replace("-", "_")};')


main()
