/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/guest/boot.S - the smallest guest that can tell whose disk it has
 *
 * A boot sector that talks on COM1, one line each:
 *
 *     remora-guest: hello from <text of sector 1>
 *     remora-guest: found <text of sector 2>       if there is any
 *     remora-guest: wrote sector 2
 *     remora-guest: bye | remora-guest: idle
 *
 * or 'remora-guest: error <AH of INT 13h, hex>', after which it powers off.
 *
 * Sector 1: a byte of mode, 'P' (power off at the end) or 'I' (idle), then
 *           the text, ending with a NUL, inside the sector.
 * Sector 2: what the guest writes there is the text "written by <text of
 *           sector 1>", so that bytes on a clone name the image they are of.
 *
 * Contract: BIOS only: INT 13h extensions for the disk that it booted from,
 *           the serial port and QEMU's ACPI power-off port by hand.
 */
    .include "start.S"

    .set ACPI_PM1A, 0x604           # with QEMU's pc machine and <acpi/>
    .set ACPI_S5, 0x2000
    .set ONE, 0x1000                # sector 1 in memory
    .set TWO, 0x1200                # sector 2, as found, then as written

main:
    mov [drive], dl
    mov si, offset packet
    mov ah, 0x42                    # read sector 1
    call disk
    mov si, offset hello
    call print
    mov si, ONE + 1
    call print
    call newline

    mov word ptr [packet_to], TWO
    mov byte ptr [packet_lba], 2
    mov ah, 0x42
    mov si, offset packet
    call disk
    cmp byte ptr [TWO], 0
    je write
    mov si, offset found
    call print
    mov si, TWO
    call print
    call newline

write:
    mov di, TWO
    mov cx, 256
    xor ax, ax
    rep stosw
    mov di, TWO
    mov si, offset written
    call copy
    mov si, ONE + 1
    call copy
    mov si, offset packet
    mov ax, 0x4300                  # write, no verify
    call disk
    mov si, offset wrote
    call print

    cmp byte ptr [ONE], 'I'
    je idle
off:
    mov si, offset bye
    call print
    mov dx, ACPI_PM1A
    mov ax, ACPI_S5
    out dx, ax
halt:
    hlt
    jmp halt

idle:
    mov si, offset idles
    call print
    jmp halt

# AH: function, SI: packet. Does not come back from an error.
disk:
    mov dl, [drive]
    int 0x13
    jc failed
    ret
failed:
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
    jmp off

# AL: 0 to 15, printed as one hex digit.
digit:
    add al, '0'
    cmp al, '9'
    jbe send
    add al, 'a' - '9' - 1

# AL to the serial port.
send:
    push ax
    mov dx, LSR
1:
    in al, dx
    test al, 0x20
    jz 1b
    pop ax
    mov dx, COM1
    out dx, al
    ret

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

# SI to DI, up to the NUL, never past the end of sector 2.
copy:
    lodsb
    test al, al
    jz 1f
    cmp di, TWO + 511
    jae 1f
    stosb
    jmp copy
1:
    ret

hello:      .asciz "remora-guest: hello from "
found:      .asciz "remora-guest: found "
wrote:      .asciz "remora-guest: wrote sector 2\r\n"
bye:        .asciz "remora-guest: bye\r\n"
idles:      .asciz "remora-guest: idle\r\n"
error:      .asciz "remora-guest: error "
written:    .asciz "written by "
crlf:       .asciz "\r\n"

drive:      .byte 0
    .balign 4
packet:                             # of INT 13h, functions 42h and 43h
    .byte 16, 0
    .word 1                         # sectors
packet_to:
    .word ONE, 0                    # offset, segment
packet_lba:
    .quad 1

    .org 510
    .word 0xaa55
