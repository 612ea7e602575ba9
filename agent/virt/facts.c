/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/facts.c - what libvirt's side is told of this host
 */
#include "config.h"

#include "agent/virt/facts.h"

void
virt_changes_clear(VirtChanges *changes)
{
    g_clear_pointer(&changes->plan, dom_plan_free);
    g_clear_pointer(&changes->changes, dom_changes_free);
    g_clear_pointer(&changes->images, g_ptr_array_unref);
}

VirtFacts *
virt_facts_new(const VirtFactsClass *class, gpointer data)
{
    VirtFacts *facts = g_new0(VirtFacts, 1);

    facts->refs = 1;
    facts->class = class;
    facts->data = data;
    return facts;
}

VirtFacts *
virt_facts_ref(VirtFacts *facts)
{
    g_atomic_int_inc(&facts->refs);
    return facts;
}

void
virt_facts_unref(VirtFacts *facts)
{
    if (!facts || !g_atomic_int_dec_and_test(&facts->refs))
        return;
    facts->class->free(facts->data);
    g_free(facts);
}
