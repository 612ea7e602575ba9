/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/fuzz.h - what a target has in common with the other ones
 *
 * A target is a program that takes any bytes. With --enable-fuzzing (clang)
 * libFuzzer makes them up; otherwise replay.c takes them from the tree, so that
 * each 'make check' runs what was ever found (tests/fuzz/run has both).
 */
#ifndef REMORA_TESTS_FUZZ_FUZZ_H
#define REMORA_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where its bytes are, below the sources: NULL-terminated. */
extern const char *const fuzz_corpora[];
/* At how many places each of them is cut short, and has a wrong bit. */
extern const unsigned fuzz_pieces;

/* Says why and aborts, unless it is so. */
void fuzz_must(bool so, const char *what);

/* ---- of replay.c, for what a target makes up itself -------------------------- */

/* Runs all that it makes up, and says how many that are. */
unsigned fuzz_more(void);

/* Once with a copy that ends where the bytes end, so that a sanitizer sees one
 * byte more; flip is the number of a bit that is wrong in it, or 0. */
void fuzz_run(const uint8_t *bytes, size_t size, size_t flip);

#endif
