import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { vi } from 'vitest'
import { tokenIn } from './mails.ts'

/** The token of the newest link in the mail files of a node; waits until there is one to the address that matches. */
export async function filedToken(dataDir: string, address: string, link: RegExp): Promise<string> {
  const text = await vi.waitUntil(async () => (await mailsIn(dataDir)).findLast(isTo(address, link)), {
    timeout: 15_000,
    interval: 50,
  })
  return tokenIn(text)
}

/** A mail file as it reads, with the soft breaks of quoted-printable (RFC 2045, 6.7) undone. */
export function plainMail(text: string): string {
  return text.replace(/=\r?\n/g, '').replaceAll('=3D', '=')
}

/** The mails a node has written, oldest first. */
async function mailsIn(dataDir: string): Promise<string[]> {
  const folder = join(dataDir, 'mail')
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => name.endsWith('.eml')).sort()
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.map(plainMail)
}

function isTo(address: string, link: RegExp): (text: string) => boolean {
  return (text) => text.includes(address) && link.test(text)
}
