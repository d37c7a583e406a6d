/* golden.h: answers compared to the byte with files that were written from the documents. */
#ifndef QMS_TESTS_SUPPORT_GOLDEN_H
#define QMS_TESTS_SUPPORT_GOLDEN_H

#include "base/text.h"

/* Where the files lie; a test program gets it as its argument. */
void golden_open(int argc, char **argv);

/* Fails the test, showing both, unless the text is exactly the file's. */
void golden_expect(const char *name, struct text text);

#endif
