/* serve_plugins.c: the file of --plugins. */
#include <errno.h>
#include <stdio.h>

#include "serve_settings.h"
#include "wire/plugin_json.h"

enum { PLUGINS_BYTES_MAX = 1 << 20 };

bool settings_read_plugins(const char *path, struct arena *arena, struct plugins *plugins,
                           struct qms_error *error) {
    struct qms_error reading;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return qms_fail(error, QMS_BAD_REQUEST, "--plugins: cannot open %s: %s", path,
                        strerrordesc_np(errno));
    char *data = arena_take(arena, PLUGINS_BYTES_MAX);
    size_t length = fread(data, 1, PLUGINS_BYTES_MAX, file);
    bool is_whole = ferror(file) == 0 && length < PLUGINS_BYTES_MAX;
    fclose(file);
    if (!is_whole)
        return qms_fail(error, QMS_BAD_REQUEST, "--plugins: %s cannot be read, or is too long",
                        path);
    if (plugin_json_read((struct text){data, length}, arena, plugins, &reading)) return true;
    return qms_fail(error, QMS_BAD_REQUEST, "--plugins: %s: %s", path, reading.text);
}
