/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/lib/cppcheck.h - what cppcheck must know of macros of GLib and jansson
 *
 * It reads no header of the system.
 */
#define G_DEFINE_AUTOPTR_CLEANUP_FUNC(type, function)
#define G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(type, function)
#define G_DEFINE_AUTO_CLEANUP_FREE_FUNC(type, function, none)
#define G_DEFINE_QUARK(name, function)
#define G_STRINGIFY(text) #text
#define json_array_foreach(array, index, value)                                \
    while ((value = json_array_get(array, index)))
#define json_object_foreach(object, key, value)                                \
    while ((value = json_object_get(object, key)))
