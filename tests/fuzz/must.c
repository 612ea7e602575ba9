/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/must.c - what has to be so, whatever the bytes are
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void
fuzz_must(bool so, const char *what)
{
    if (so)
        return;
    (void)fprintf(stderr, "fuzz: not so: %s\n", what);
    abort();
}
