/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/fault.h - named points at which a test makes remora fail
 *
 * Only './configure --enable-faults' has them. In any other build the macro is
 * the constant 0, no code and no text of this is there, and the environment
 * has no effect. The points are passed on the real path, against the real
 * cluster; nothing is faked but what the call at the point is said to have
 * returned.
 *
 *     REMORA_FAULT=POINT=ACTION[@N][,...]
 *
 *     kill        SIGKILL, there and then
 *     hold        go on when the file that REMORA_FAULT_HOLD names is gone
 *     delay:MS    go on after so many milliseconds
 *     error:NUM   the call at this point is said to have returned -NUM
 *     timer:US    go on, and SIGKILL so many microseconds later
 *
 * An action is for each time that the point is passed, or with @N only for the
 * Nth. A setting that makes no sense ends the process with status 2, so that
 * no test can pass because of a slip of the pen.
 *
 * The points, in the order of a start:
 *
 *     parent-found    the parent's snapshot was looked at
 *     looked          the disk's image was looked at
 *     claim-noted     the instance file says which claim is asked for; error:
 *                     the claim is not asked for
 *     claim-created   the claim is in the cluster
 *     taken-over      a dead holder's claim is ours
 *     arriving        the source's claim says who arrives
 *     fenced          a dead client is on the blocklist
 *     trash-noted     a half-made clone says why it goes to the trash
 *     trashed         it is there
 *     removed         a name without a header is gone
 *     cloning         about to clone; error: nothing is cloned
 *     clone-listed    the new clone's name is in the pool's directory
 *     clone-named     and leads to its id
 *     clone-headed    it has its header, with its parent, and its object map
 *     clone-returned  the parent knows of it; or rbd_clone3() returned
 *     grown           the new clone has its size, the long way (disk/build.c)
 *     creating        about to create a disk without a parent; error: none is
 *     created         it is there
 *     building-marked it says that it is being filled
 *     filling         about to write a part of an image that is converted or
 *                     copied
 *     filled          its content is written
 *     marked          the new disk has its mark
 *     sealing         about to make the snapshot of a base image
 *     sealed          it has one, which is not protected yet
 *     adopted         the claim says that somebody else's image was there
 *     enlarged        an image that was there has its new size
 *     handing         about to hand a claim to its guest; error: it is not
 *     handed          it is handed and noted; no error
 *     answering       about to answer the hook; error: it gets no answer
 *     answer-sent     the hook has its answer; error: it is taken for lost
 *     claim-dropping  about to remove a claim; error: it is not removed
 *     claim-dropped   the claim is gone
 *     reclaiming      about to remove a dead instance's claim; error: it is
 *                     not removed
 *
 * Those of an image that is added, and then of one that is removed:
 *
 *     image-created   the new image is there; error: as if it were not
 *     image-marked    it says that it is being filled
 *     image-filled    its content is written and was accepted
 *     image-snapped   it has its snapshot
 *     image-protected which is protected
 *     image-unprotected the snapshot can be removed
 *     image-unsnapped it is gone
 *
 * Of one that is made of a disk, before image-filled:
 *
 *     capture-frozen  the guest is frozen, and the disk open
 *     capture-snapped the disk has a snapshot
 *     capture-cloned  of which the image is a clone
 *     capture-flattened the image has all of it
 *     capture-unsnapped the disk has the snapshot no more
 *
 * And those of a volume:
 *
 *     volume-created  the new volume is there
 *     volume-marked   which is to be encrypted, and says that it is not yet
 *     volume-encrypted it has the header for that
 *     volume-fitted   and its size
 *     volume-snapped  a snapshot is there, or was
 *     volume-protected which is protected
 *     volume-unprotected a snapshot can be removed
 *     volume-unsnapped it is gone
 *     volume-resizing about to resize it; error: it is not
 *     volume-resized  it has its size
 *     volume-rolling  it says that it is between two states
 *     volume-rolled   it is as its snapshot, and still says so
 *     volume-cloned   the new clone is there
 *     volume-grown    it has its size, and none of its parent's marks
 *     volume-flattening about to flatten it; error: it is not
 *     volume-flattened it is flat
 *     volume-renaming about to rename an image; error: it is not
 *     volume-renamed  it has its new name
 *     volume-qos      one of its limits is set
 *     volume-sparsifying about to give back its zeroes
 *     volume-moving   it is in the other pool, and reads from the first
 *     volume-moved    all of it is there
 *     volume-exporting the snapshot that is written to a file is there
 *     volume-sealed   the image that was made of one has its snapshot
 *
 * Of snapshots of several disks at one moment:
 *
 *     group-snapping  the guest stands still, and a disk is open
 *     group-snapped   it has its snapshot
 *     group-protected which is protected
 *
 * Of what is removed from the trash:
 *
 *     purge-queueing  about to give it to the manager; error: it is removed here
 *     purge-queued    the manager has it
 *     purging         about to remove it here; error: it is not
 *     purge-progress  each time that librbd says how far that is
 *     purged          it is gone
 *
 * And one that is no point but a mistake, for the test of the tests: with
 * 'no-claims=error:1' nothing is claimed, and what exists is taken for done.
 *
 * And one of no start: 'flatten-progress', each time that librbd says how far it
 * has flattened a disk (tests/integration/depth.t).
 *
 * Around that, there and in volume-kill.t: 'map-noted', the image says that its
 * object map is to be on again; 'map-off', it has none; 'map-on', it has one that is
 * not rebuilt; 'map-rebuilt', it is as before, and still says so.
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_RBD_CONN_FAULT_H
#define REMORA_AGENT_RBD_CONN_FAULT_H

#ifdef REMORA_FAULTS

/* 0, or a negative error number that takes the place of the call's result. */
int store_fault(const char *point);
#define STORE_FAULT(point) store_fault(point)

#else

#define STORE_FAULT(point) 0

#endif

#endif
