/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-sieve.c - the four byte strings that make a domain ours
 */
#include "config.h"

#include "hooks/hook-sieve.h"

#include <string.h>

/* Values of a source's protocol and of a disk's type. libvirt writes single
 * quotes and no blanks around '='; people, and a hook script that ran before
 * this one, write what XML allows. */
static const char *const marks[] = {
    "'rbd'",      "\"rbd\"",     "'volume'",
    "\"volume\"", "urn:remora:", "http://openstack.org/xmlns/libvirt/nova/",
};

bool
hook_sieve(const void *xml, size_t len)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (memmem(xml, len, marks[i], strlen(marks[i])))
            return true;
    return false;
}
