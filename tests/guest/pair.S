/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/guest/pair.S - a guest that counts on two disks in step
 *
 * A boot sector for two disks. For ever, and as fast as it can, it writes the next
 * number to the first disk, and then, when that is written, to the second one. So
 * at any one moment the first disk's number is the second one's, or one more. On
 * COM1:
 *
 *     remora-guest: pair       when it has written both for the first time
 *     remora-guest: error
 *
 * The number is in the last four bytes of sector 64, and 1 at each start.
 *
 * Contract: as boot.S.
 */
    .include "start.S"

    .set SECTOR, 0x1000
    .set COUNT, SECTOR + 508

main:
    mov di, SECTOR
    mov cx, 256
    xor ax, ax
    rep stosw
    call both
    mov si, offset pair
    call print
next:
    call both
    jmp next

both:
    inc dword ptr [COUNT]
    mov dl, 0x80
    call disk
    mov dl, 0x81

# DL: drive.
disk:
    mov si, offset packet
    mov ax, 0x4300                  # write
    int 0x13
    jc failed
    ret

failed:
    mov si, offset error
    call print
1:
    hlt
    jmp 1b

# SI: text up to its NUL.
print:
    lodsb
    test al, al
    jz 2f
    mov ah, al
    mov dx, LSR
1:
    in al, dx
    test al, 0x20
    jz 1b
    mov al, ah
    mov dx, COM1
    out dx, al
    jmp print
2:
    ret

pair:   .asciz "remora-guest: pair\r\n"
error:  .asciz "remora-guest: error\r\n"

    .balign 4
packet:                             # of INT 13h, function 43h
    .byte 16, 0
    .word 1                         # sectors
    .word SECTOR, 0                 # offset, segment
    .quad 64

    .org 510
    .word 0xaa55
