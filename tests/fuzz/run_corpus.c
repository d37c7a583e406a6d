/* Runs a fuzz target over stored inputs, one file each, so that what fuzzing once found stays
 * fixed where no fuzzer is at hand: run_corpus DIRECTORY... */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as much memory as the file has bytes, so that a sanitizer sees a byte read behind it. */
static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (file != NULL) fclose(file);
        return 1;
    }
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size == 0 ? 1 : size);
    int failed = data == NULL || fread(data, 1, size, file) != size;
    if (failed) fprintf(stderr, "%s: cannot be read\n", path);
    else LLVMFuzzerTestOneInput(data, size);
    free(data);
    fclose(file);
    return failed;
}

static int run_directory(const char *directory, size_t *files) {
    DIR *entries = opendir(directory);
    if (entries == NULL) {
        fprintf(stderr, "%s: %s\n", directory, strerror(errno));
        return 1;
    }
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        failed |= run_file(path);
        ++*files;
    }
    closedir(entries);
    return failed;
}

int main(int argc, char **argv) {
    size_t files = 0;
    int failed = 0;
    for (int i = 1; i < argc; i++) failed |= run_directory(argv[i], &files);
    if (files == 0) fprintf(stderr, "no inputs\n");
    return failed != 0 || files == 0;
}
