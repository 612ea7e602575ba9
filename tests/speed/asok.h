/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/speed/asok.h - how many operations an OSD has been asked for
 *
 * By its admin socket, which costs the OSD nothing that it counts. Any failure
 * ends the program.
 */
#ifndef REMORA_TESTS_SPEED_ASOK_H
#define REMORA_TESTS_SPEED_ASOK_H

#include <stdint.h>

int64_t asok_operations(const char *path);

#endif
