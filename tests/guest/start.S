/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/guest/start.S - how each boot sector begins
 *
 * Included before anything else, and goes on at main: DL is the drive that it came
 * from, DS, ES and SS are 0, and the stack grows down from the sector.
 */
    .intel_syntax noprefix
    .code16
    .text

    .set COM1, 0x3f8
    .set LSR, COM1 + 5              # line status: bit 5, ready to send

    .globl _start
_start:
    cli
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7c00
    cld
    sti
    ljmp 0, offset main             # some firmware comes with CS=07C0
