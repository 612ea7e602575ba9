/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store.h - what the other rooms get of agent/rbd/
 *
 * A StoreCluster is one Ceph cluster as one user. It keeps one warm RADOS
 * connection, replaces it when it is lost or fenced, and refuses at once
 * while the cluster does not answer.
 *
 * This is a list, for others: the files of agent/rbd/ include what they need.
 *
 * Walls:    links librados, librbd, GLib, jansson, whose types are in none of
 *           these headers. Knows no domains, no XML, no libvirt; never logs.
 *           'owner' is an opaque id that a disk belongs to, 'label' what its
 *           owner calls the disk.
 * Threads:  every function may be called from any thread; those marked
 *           "blocks" wait for the network and belong in a worker.
 * Errors:   GError of STORE_ERROR, one line with cause and next step.
 *           librados and librbd return negative error numbers and do not set
 *           errno, which is why errno is never read here.
 */
#ifndef REMORA_AGENT_RBD_STORE_H
#define REMORA_AGENT_RBD_STORE_H

#include "agent/rbd/claim/fence.h"
#include "agent/rbd/claim/guest.h"
#include "agent/rbd/claim/release.h"
#include "agent/rbd/conn/address.h"
#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/conn/down.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fence.h"
#include "agent/rbd/conn/instance.h"
#include "agent/rbd/conn/key.h"
#include "agent/rbd/conn/monitors.h"
#include "agent/rbd/conn/offline.h"
#include "agent/rbd/conn/probe.h"
#include "agent/rbd/conn/seen.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/add.h"
#include "agent/rbd/disk/base.h"
#include "agent/rbd/disk/build.h"
#include "agent/rbd/disk/capture.h"
#include "agent/rbd/disk/disk.h"
#include "agent/rbd/disk/flatten.h"
#include "agent/rbd/disk/full.h"
#include "agent/rbd/disk/image-claim.h"
#include "agent/rbd/disk/origin.h"
#include "agent/rbd/disk/provision.h"
#include "agent/rbd/disk/reclaim.h"
#include "agent/rbd/disk/remove.h"
#include "agent/rbd/disk/settle.h"
#include "agent/rbd/disk/state.h"
#include "agent/rbd/image/capacity.h"
#include "agent/rbd/image/children.h"
#include "agent/rbd/image/export.h"
#include "agent/rbd/image/find.h"
#include "agent/rbd/image/format.h"
#include "agent/rbd/image/going.h"
#include "agent/rbd/image/header.h"
#include "agent/rbd/image/list.h"
#include "agent/rbd/image/parent.h"
#include "agent/rbd/image/protected.h"
#include "agent/rbd/image/purge.h"
#include "agent/rbd/image/read.h"
#include "agent/rbd/image/show.h"
#include "agent/rbd/image/snap.h"
#include "agent/rbd/image/trash.h"
#include "agent/rbd/image/tree.h"
#include "agent/rbd/image/watchers.h"
#include "agent/rbd/volume/clone.h"
#include "agent/rbd/volume/create.h"
#include "agent/rbd/volume/export.h"
#include "agent/rbd/volume/flatten.h"
#include "agent/rbd/volume/group.h"
#include "agent/rbd/volume/info.h"
#include "agent/rbd/volume/migrate.h"
#include "agent/rbd/volume/name.h"
#include "agent/rbd/volume/purge.h"
#include "agent/rbd/volume/qos.h"
#include "agent/rbd/volume/remove.h"
#include "agent/rbd/volume/rename.h"
#include "agent/rbd/volume/resize.h"
#include "agent/rbd/volume/snap.h"
#include "agent/rbd/volume/sparsify.h"
#include "agent/rbd/volume/to-image.h"

#endif
