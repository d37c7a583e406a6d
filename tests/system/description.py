"""The descriptions in docs/api, and values held against their schemas."""

import functools

import jsonschema
import yaml

from stores import REPOSITORY

# The newest that the installed library knows; the documents use nothing that they read differently.
VALIDATOR = getattr(jsonschema, 'Draft202012Validator', jsonschema.Draft7Validator)
LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)  # Python's own takes a second a document


class Description:
    def __init__(self, name):
        text = (REPOSITORY / 'docs/api' / name).read_text(encoding='utf-8')
        self.document = yaml.load(text, LOADER)
        self.operations = [(method, path, operation)
                           for path, methods in self.document.get('paths', {}).items()
                           for method, operation in methods.items()]
        self.validators = {}

    def check(self, value, schema):
        """The value fits; references of the schema, which is a part of the document, are the
        document's. A validator is kept: each would find its references anew."""
        validator = self.validators.get(id(schema))
        if validator is None:
            validator = VALIDATOR({**schema, 'components': self.document['components']})
            self.validators[id(schema)] = validator
        validator.validate(value)


@functools.cache
def description(name):
    return Description(name)
