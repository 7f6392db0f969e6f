import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { createTransport } from 'nodemailer'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import { composeMail, MailDeferred, type Mailer, maskAddresses, parseSender } from './mailer.ts'

/**
 * Writes each mail as an `.eml` file instead of sending it, with the bytes that SMTP would carry, and logs the file's name.
 * Names sort by time. The directory is made on first use, for its owner alone; one that exists keeps its mode.
 * @throws {MailSettingInvalid} when `from` is not exactly one mailbox.
 */
export function createFileMailer(options: { directory: string; from: string; log: Log; clock: Clock }): Mailer {
  const from = parseSender(options.from)
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' })
  const underway = new Set<Promise<void>>()
  let isClosed = false
  let count = 0

  async function send(...[mail, signal]: Parameters<Mailer['send']>): Promise<void> {
    signal?.throwIfAborted()
    if (isClosed) throw new MailDeferred('The mailer is closed')
    const message = composeMail(from, mail)
    const now = options.clock.now()
    count += 1
    const file = fileName(now, count)
    const { message: bytes } = await composer.sendMail({ ...message, date: now })
    await store(options.directory, file, bytes, signal)
    options.log.info({ subject: mail.subject, file, to: maskAddresses(message.to.address) }, 'mail written')
  }

  return {
    send(mail, signal) {
      const delivery = send(mail, signal).finally(() => underway.delete(delivery))
      underway.add(delivery)
      return delivery
    },
    async close() {
      isClosed = true
      await Promise.allSettled(underway)
    },
  }
}

// The count orders mails of one millisecond, the random part keeps two processes apart. No part comes from the mail.
function fileName(now: Date, count: number): string {
  const time = now.toISOString().replace(/[-:]/g, '')
  return `${time}-${String(count).padStart(8, '0')}-${randomBytes(4).toString('hex')}.eml`
}

async function store(
  directory: string,
  file: string,
  bytes: Buffer | Readable,
  signal: AbortSignal | undefined,
): Promise<void> {
  const temporary = join(directory, `.${file}.partial`)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(temporary, bytes, { flag: 'wx', mode: 0o600, ...(signal && { signal }) })
    await rename(temporary, join(directory, file))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    signal?.throwIfAborted()
    throw new MailDeferred(`The mail could not be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
}
