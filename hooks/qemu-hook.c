/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/qemu-hook.c - what libvirt runs around the life of a domain
 *
 *     qemu DOMAIN OPERATION SUBOPERATION EXTRA   (domain XML on stdin)
 *
 * It decides nothing: it shows the XML of domains that may be ours to the
 * agent and passes the answer on. It leaves no child behind, for libvirt
 * waits until nobody holds its stdout and stderr any more, and it never calls
 * libvirt, which holds the domain's lock meanwhile.
 */
#include "config.h"

#include "hooks/hook-ask.h"
#include "hooks/hook-io.h"
#include "hooks/hook-policy.h"
#include "hooks/hook-sieve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int
refuse(const char *domain, const char *why)
{
    fprintf(stderr, "remora: domain '%s': %s\n", domain, why);
    return EXIT_FAILURE;
}

/* The XML as a file that is read from its beginning, in place of stdin. */
static bool
xml_as_stdin(const struct hook_question *question)
{
    int fd = memfd_create("domain.xml", 0);

    return fd >= 0 &&
           hook_write_file(fd, question->body, question->len) == HOOK_IO_DONE &&
           lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, STDIN_FILENO) >= 0 &&
           (fd == STDIN_FILENO || close(fd) == 0);
}

/* Nobody listens: the same code in our own place. Returns only if it cannot
 * be run. */
static int
one_shot(const struct hook_policy *policy, const struct hook_question *question)
{
    char why[256];

    if (!xml_as_stdin(question))
        return refuse(question->name, "cannot pass its XML on: no memory");
    (void)signal(SIGPIPE, SIG_DFL);
    /* It keeps its own deadline; this is for the case that it cannot. An
     * alarm outlives exec. */
    (void)alarm(WIRE_DEADLINE_CAP_MS / 1000);
    (void)execl(REMORA_REMORAD, REMORA_REMORAD, "--one-shot", "--",
                policy->one_shot, question->name, (char *)NULL);
    (void)snprintf(why, sizeof(why),
                   "remorad does not run, and '%s' cannot be run either "
                   "(%s): start remorad (systemctl start remorad)",
                   REMORA_REMORAD, strerror(errno));
    return refuse(question->name, why);
}

static int
pass_output(const struct hook_policy *policy,
            const struct hook_question *question,
            const struct hook_reply *reply)
{
    if (!policy->filter || reply->output_len == 0)
        return EXIT_SUCCESS;
    if (hook_write_file(STDOUT_FILENO, reply->output, reply->output_len) ==
        HOOK_IO_DONE)
        return EXIT_SUCCESS;
    return refuse(question->name, "cannot hand its new XML to libvirt");
}

static int
ask(const struct hook_policy *policy, const struct hook_question *question)
{
    static struct hook_reply reply;
    int status = EXIT_FAILURE;

    if (strlen(question->name) > WIRE_NAME_MAX)
        return refuse("(too long a name)", "its name is longer than remora "
                                           "takes: rename the domain");
    switch (hook_ask(question, &reply)) {
    case HOOK_ALLOWED:
        status = pass_output(policy, question, &reply);
        break;
    case HOOK_REFUSED:
        /* The agent names the domain itself. */
        if (strncmp(reply.message, "domain '", strlen("domain '")) == 0)
            fprintf(stderr, "remora: %s\n", reply.message);
        else
            (void)refuse(question->name, reply.message);
        break;
    case HOOK_NOBODY:
        status = one_shot(policy, question);
        break;
    }
    free(reply.output);
    return status;
}

static int
run(const struct hook_policy *policy, const char *domain)
{
    char *xml = NULL;
    size_t len = 0;
    int status = EXIT_SUCCESS;

    if (hook_read_end(STDIN_FILENO, WIRE_BODY_MAX, &xml, &len) !=
        HOOK_IO_DONE) {
        if (policy->way == HOOK_TELL)
            return EXIT_SUCCESS;
        return refuse(domain, errno == EFBIG
                                  ? "its XML is longer than 4 MiB, which "
                                    "remora does not take"
                                  : "its XML cannot be read");
    }
    if (hook_sieve(xml, len)) {
        const struct hook_question question = {policy->op, domain, xml, len};

        if (policy->way == HOOK_ASK)
            status = ask(policy, &question);
        else
            hook_tell(&question);
    }
    free(xml);
    return status;
}

int
main(int argc, char **argv)
{
    const struct hook_policy *policy;

    if (argc < 4) {
        fprintf(stderr, "usage: qemu DOMAIN OPERATION SUBOPERATION EXTRA, run "
                        "by libvirt; see remora-qemu-hook(8)\n");
        return EXIT_FAILURE;
    }
    policy = hook_policy_find(argv[2], argv[3]);
    if (policy->way == HOOK_NOTHING)
        return EXIT_SUCCESS;
    (void)signal(SIGPIPE, SIG_IGN);
    return run(policy, argv[1]);
}
