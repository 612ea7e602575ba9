/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/verbs.h - the table of verbs, and what is derived from it
 *
 * --help, the forms that the manual page shows, the parsing of options and the
 * completion of a command line all come from this one table, so that none of
 * them can know a verb or an option that the others do not.
 */
#ifndef REMORA_AGENT_CLI_VERBS_H
#define REMORA_AGENT_CLI_VERBS_H

#include "agent/cli/cmd.h"

/* The verbs, in the order in which they are shown; NULL-terminated. Those of
 * one group, such as 'image', stand together. */
extern const CmdVerb *const verbs[];

/* Options that stand before the verb. What they set is verbs_globals'. */
extern const GOptionEntry verbs_options[];
extern CmdGlobals verbs_globals;
extern gboolean verbs_version;

/* "image" of "image add", or NULL: it is in no group. g_free() it. */
char *verbs_group(const CmdVerb *verb);
/* "remora image add [--id=UUID] FILE". g_free() it. */
char *verbs_form(const CmdVerb *verb);
/* The lines of --help that list verbs and groups. g_free() it. */
char *verbs_list(void);

/* words[0] is a verb or a group. The verb, and in *ret_words how many words
 * its name takes; NULL: there is none of that name. */
const CmdVerb *verbs_find(char *const *words, int *ret_words);
/* Whether there is a group of that name. */
bool verbs_is_group(const char *word);

/* words: from the verb's name on. Gives the exit status. */
int verbs_run(int argc, char **words);

#endif
