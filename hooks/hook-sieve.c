/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-sieve.c - is this domain any business of ours?
 *
 * The XML is libvirt's own print, which quotes attributes with ' and puts no
 * blank around '='; the other quote is looked for too, for XML that a tool
 * shows us.
 */
#include "config.h"

#include "hooks/hook-sieve.h"

#include <string.h>

bool
hook_sieve(const char *xml, size_t len)
{
    static const char *const marks[] = {
        "protocol='rbd'", "protocol=\"rbd\"",
        "type='volume'",  "type=\"volume\"",
        "urn:remora:",    "http://openstack.org/xmlns/libvirt/nova/",
    };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (memmem(xml, len, marks[i], strlen(marks[i])))
            return true;
    return false;
}
