/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FRAME_INPUT_H
#define FRAME_INPUT_H 1

/* Makes frames of a fuzzer's bytes so that deep code is reached from an empty
 * corpus.
 *
 * The first byte chooses.  If it is the number of a template (frames.h), the
 * frame is that template, with edits: each three further bytes are an offset
 * (8 bits, plus 256 if the third is odd) and a value to put there, and an
 * offset of 255 cuts the frame at the value.  Otherwise the further bytes are
 * the frame.
 *
 * A second chance byte says whether checksums are put right afterwards, which
 * a fuzzer does not guess. */

#include "tests/unit/frames.h"

static inline void
fuzz_frame(const uint8_t *data, size_t size, struct frame *f)
{
    const struct frame *templates;
    size_t n;

    f->len = 0;
    if (size < 2) {
        return;
    }
    templates = frame_templates(&n);
    if (data[0] >= n) {
        frame_put(f, data + 2, size - 2 < 2048 ? size - 2 : 2048);
    } else {
        const struct frame *t = &templates[data[0]];

        frame_put(f, t->data, t->len);
        for (size_t i = 2; i + 2 < size; i += 3) {
            size_t ofs = data[i] + (data[i + 2] & 1 ? 256 : 0);

            if (data[i] == 255) {
                f->len = data[i + 1] < f->len ? data[i + 1] : f->len;
            } else if (ofs < f->len) {
                f->data[ofs] = data[i + 1];
            }
        }
    }
    if (data[1] & 1) {
        frame_repair(f, L3_OFS);
    }
    if (data[1] & 2) {
        frame_repair(f, INNER_OFS + L3_OFS);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* frame-input.h */
