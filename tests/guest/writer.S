/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/guest/writer.S - a guest that writes for ever, and under its own name
 *
 * A boot sector for two disks. Of the second one, sector 0 says who the guest
 * is: a byte that chooses its ground, then its name, ending with a NUL. On the
 * first one, ten times a second, it looks whether the head is what it left
 * there, and writes what names it to the head and to the next sector of its
 * ground. On COM1:
 *
 *     remora-guest: writer <name>
 *     remora-guest: found <name>       what the head held when it came
 *     remora-guest: foreign <name>     it is not what this guest wrote last
 *     remora-guest: error <AH of INT 13h, hex>
 *
 * After an error, which is said once, it goes on writing, and looks no more: what
 * an error left of a write is not known.
 *
 * The head is sector 8, ground N (the lower five bits of its byte) are the 32
 * sectors from 64 + 32 * N. What is written is the name and, in the last four
 * bytes of the sector, the number of the write, from 1.
 *
 * Contract: as boot.S. Its name needs not be the same at each start; it stays
 *           with a guest that moves.
 */
    .include "start.S"

    .set HEAD, 8
    .set GROUNDS, 64
    .set WHO, 0x1000                # sector 0 of the second disk
    .set IS, 0x1200                 # the head, as found
    .set MINE, 0x1400               # as written last
    .set COUNT, MINE + 508

main:
    mov dx, 0x4281                  # read, second disk
    mov bx, WHO
    xor cx, cx
    call disk
    mov di, MINE
    mov cx, 256
    xor ax, ax
    rep stosw
    mov si, WHO + 1
    mov di, MINE
1:
    lodsb
    stosb
    test al, al
    jnz 1b
    mov si, offset writer
    mov bx, MINE
    call line

    call look
    jc next
    mov si, offset found
    cmp byte ptr [IS], 0
    jne say

next:
    inc dword ptr [COUNT]
    mov dx, 0x4380                  # write, first disk
    mov bx, MINE
    mov cx, HEAD
    call disk
    mov cx, [COUNT]
    and cx, 31
    mov al, [WHO]
    and ax, 31
    shl ax, 5
    add cx, ax
    add cx, GROUNDS
    call disk
    hlt                             # the timer: 18 times a second
    hlt
    cmp byte ptr [failed], 0
    jne next
    call look
    jc next
    mov si, IS
    mov di, MINE
    mov cx, 256
    repe cmpsw
    je next
    mov si, offset foreign
say:
    mov bx, IS
    call line
    jmp next

look:
    mov dx, 0x4280                  # read, first disk
    mov bx, IS
    mov cx, HEAD

# DH: function, DL: drive, BX: where, CX: sector. Carry: it did not work.
disk:
    mov [packet_to], bx
    mov [packet_lba], cx
    mov si, offset packet
    mov ah, dh
    xor al, al
    push dx
    push bx
    int 0x13
    pop bx
    pop dx
    jnc 2f
    cmp byte ptr [failed], 0
    jne 1f
    inc byte ptr [failed]
    mov bl, ah
    mov si, offset error
    call print
    mov al, bl
    shr al, 4
    call digit
    mov al, bl
    and al, 15
    call digit
    call newline
    mov bx, [packet_to]
1:
    hlt
    stc
2:
    ret

# AL: 0 to 15, printed as one hex digit.
digit:
    add al, '0'
    cmp al, '9'
    jbe send
    add al, 'a' - '9' - 1

# AL to the serial port.
send:
    push dx
    push ax
    mov dx, LSR
1:
    in al, dx
    test al, 0x20
    jz 1b
    pop ax
    mov dx, COM1
    out dx, al
    pop dx
    ret

# SI: what, BX: a name.
line:
    call print
    mov si, bx
    call print
newline:
    mov si, offset crlf

# SI: text up to its NUL.
print:
    lodsb
    test al, al
    jz 1f
    call send
    jmp print
1:
    ret

writer:     .asciz "remora-guest: writer "
found:      .asciz "remora-guest: found "
foreign:    .asciz "remora-guest: foreign "
error:      .asciz "remora-guest: error "
crlf:       .asciz "\r\n"

failed:     .byte 0
    .balign 4
packet:                             # of INT 13h, functions 42h and 43h
    .byte 16, 0
    .word 1                         # sectors
packet_to:
    .word WHO, 0                    # offset, segment
packet_lba:
    .quad 0

    .org 510
    .word 0xaa55
