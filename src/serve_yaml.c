#include "serve_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <yaml.h>

enum { DEPTH_MAX = 16 };

struct reading {
    const char *path;
    yaml_document_t *document;
    struct arena *arena;
    struct yaml_settings *settings;
    struct qms_error *error;
};

static int line_of(const yaml_node_t *node) {
    return (int)node->start_mark.line + 1;
}

static const char *text_of_node(const struct reading *reading, const yaml_node_t *node) {
    struct text text = {.data = (const char *)node->data.scalar.value,
                        .length = node->data.scalar.length};
    return arena_text(reading->arena, text).data;
}

static bool is_null(const yaml_node_t *node) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp((const char *)node->data.scalar.value, words[i]) == 0) return true;
    return false;
}

static bool add(struct reading *reading, const char *name, const char *value, const char *wrong,
                int line) {
    struct yaml_settings *settings = reading->settings;
    const struct yaml_setting *before = yaml_settings_find(settings, name);
    if (before != NULL)
        return qms_fail(reading->error, QMS_BAD_REQUEST, "%s line %d: %s is in line %d already",
                        reading->path, line, name, before->line);
    if (settings->count == YAML_SETTINGS_MAX)
        return qms_fail(reading->error, QMS_BAD_REQUEST, "%s has more than %d settings",
                        reading->path, YAML_SETTINGS_MAX);
    settings->rows[settings->count++] =
        (struct yaml_setting){.name = name, .value = value, .wrong = wrong, .line = line};
    return true;
}

static bool add_list(struct reading *reading, const char *name, const yaml_node_t *node) {
    struct text joined = {.data = "", .length = 0};
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *part = yaml_document_get_node(reading->document, *item);
        if (part->type != YAML_SCALAR_NODE)
            return add(reading, name, NULL, "a list of more than single values", line_of(node));
        joined = arena_format(reading->arena, "%.*s%s%s", TEXT_ARGUMENTS(joined),
                              joined.length == 0 ? "" : ",", text_of_node(reading, part));
    }
    return add(reading, name, joined.data, NULL, line_of(node));
}

static bool read_node(struct reading *reading, const char *name, const yaml_node_t *node,
                      int depth);

static bool read_mapping(struct reading *reading, const char *name, const yaml_node_t *node,
                         int depth) {
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(reading->document, pair->key);
        if (key->type != YAML_SCALAR_NODE)
            return qms_fail(reading->error, QMS_BAD_REQUEST, "%s line %d: a name must be a text",
                            reading->path, line_of(key));
        const char *part = text_of_node(reading, key);
        const char *whole =
            name == NULL ? part : arena_format(reading->arena, "%s.%s", name, part).data;
        const yaml_node_t *value = yaml_document_get_node(reading->document, pair->value);
        if (!read_node(reading, whole, value, depth + 1)) return false;
    }
    return true;
}

static bool read_node(struct reading *reading, const char *name, const yaml_node_t *node,
                      int depth) {
    if (depth > DEPTH_MAX)
        return qms_fail(reading->error, QMS_BAD_REQUEST, "%s line %d: too many levels",
                        reading->path, line_of(node));
    switch (node->type) {
    case YAML_SCALAR_NODE:
        return add(reading, name, is_null(node) ? "" : text_of_node(reading, node), NULL,
                   line_of(node));
    case YAML_SEQUENCE_NODE: return add_list(reading, name, node);
    default:
        return add(reading, name, NULL, "a mapping", line_of(node)) &&
               read_mapping(reading, name, node, depth);
    }
}

static bool read_document(struct reading *reading, FILE *file) {
    yaml_parser_t parser;
    yaml_document_t document;
    if (yaml_parser_initialize(&parser) == 0)
        return qms_fail(reading->error, QMS_INTERNAL, "cannot read YAML");
    yaml_parser_set_input_file(&parser, file);
    bool read = yaml_parser_load(&parser, &document) != 0;
    if (read) {
        const yaml_node_t *root = yaml_document_get_root_node(&document);
        reading->document = &document;
        if (root != NULL && root->type == YAML_MAPPING_NODE)
            read = read_mapping(reading, NULL, root, 0);
        else if (root != NULL && (root->type != YAML_SCALAR_NODE || !is_null(root)))
            read = qms_fail(reading->error, QMS_BAD_REQUEST,
                            "%s: settings are a mapping of names to values", reading->path);
        yaml_document_delete(&document);
    } else {
        qms_fail(reading->error, QMS_BAD_REQUEST, "%s line %zu: %s", reading->path,
                 parser.problem_mark.line + 1,
                 parser.problem == NULL ? "it cannot be read" : parser.problem);
    }
    yaml_parser_delete(&parser);
    return read;
}

bool yaml_settings_read(const char *path, struct arena *arena, struct yaml_settings *settings,
                        struct qms_error *error) {
    struct reading reading = {
        .path = path, .arena = arena, .settings = settings, .error = error};
    *settings = (struct yaml_settings){
        .rows = arena_take_zeroed(arena, YAML_SETTINGS_MAX, sizeof *settings->rows)};
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", path, strerror(errno));
    int first = getc(file); /* only reading tells that it is a directory */
    if (first == EOF && ferror(file)) {
        qms_fail(error, QMS_BAD_REQUEST, "cannot read %s: %s", path, strerror(errno));
        fclose(file);
        return false;
    }
    ungetc(first, file);
    bool read = read_document(&reading, file);
    fclose(file);
    return read;
}

static char folded(char letter) {
    if (letter >= 'A' && letter <= 'Z') return (char)(letter - 'A' + 'a');
    return letter == '-' ? '_' : letter;
}

bool yaml_name_equal(const char *left, const char *right) {
    while (*left != '\0' && folded(*left) == folded(*right)) left++, right++;
    return *left == *right;
}

const struct yaml_setting *yaml_settings_find(const struct yaml_settings *settings,
                                              const char *name) {
    for (size_t i = 0; i < settings->count; i++)
        if (yaml_name_equal(settings->rows[i].name, name)) return &settings->rows[i];
    return NULL;
}
