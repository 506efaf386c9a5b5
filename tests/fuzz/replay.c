/* SPDX-License-Identifier: Apache-2.0 */

/* Runs a fuzz target on files and directories of them, once each, without
 * libFuzzer: by default on the target's part of tests/fuzz/corpus.  A program
 * that is called replay-foo takes corpus/foo. */

#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frame-input.h"
#include "util.h"

#define REPLAY_MAX 65536

static size_t n_inputs;

static void
replay_file(const char *name)
{
    static uint8_t buffer[REPLAY_MAX];
    FILE *f = fopen(name, "rb");

    if (!f) {
        ovs_fatal(errno, "%s", name);
    }
    size_t size = fread(buffer, 1, sizeof buffer, f);
    fclose(f);

    /* Whoever crashes has said where. */
    fprintf(stderr, "%s\n", name);

    /* Just so large that nobody reads further unnoticed. */
    uint8_t *copy = xmalloc(size ? size : 1);
    memcpy(copy, buffer, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    n_inputs++;
}

static void
replay(const char *name)
{
    struct dirent **entries;
    struct stat st;

    if (stat(name, &st)) {
        ovs_fatal(errno, "%s", name);
    } else if (!S_ISDIR(st.st_mode)) {
        replay_file(name);
        return;
    }

    int n = scandir(name, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            char *path = xasprintf("%s/%s", name, entries[i]->d_name);

            replay(path);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
}

int
main(int argc, char *argv[])
{
    const char *target = strstr(argv[0], "replay-");
    const char *srcdir = getenv("srcdir");

    LLVMFuzzerInitialize(&argc, &argv);
    if (argc > 1) {
        for (int i = 1; i < argc; i++) {
            replay(argv[i]);
        }
    } else {
        char *dir = xasprintf("%s/tests/fuzz/corpus/%s",
                              srcdir ? srcdir : ".",
                              target ? target + strlen("replay-") : "");

        replay(dir);
        free(dir);
    }
    printf("%"PRIuSIZE" inputs\n", n_inputs);
    return n_inputs ? 0 : 1;
}
