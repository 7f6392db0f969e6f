import type { ConnectionOptions } from 'node:tls'
import { createTransport, type SendMailOptions, type SMTPPoolOptions } from 'nodemailer'
import { redactText } from '../lib/redact.ts'

const MAX_CONNECTIONS = 4
const MAX_WAITING = 200
// Replies about the credentials or the encryption (RFC 4954, section 6): our settings are at fault, not the mail.
const OUR_FAULT = new Set([530, 534, 535, 538])
// Stricter than nodemailer's parser, which finds an address in almost anything, and sometimes two.
const ADDRESS = '[^\\s@<>,;:"()\\\\]+@[^\\s@<>,;:"()\\\\]+'
const NAME = '"(?<quoted>(?:[^"\\\\]|\\\\.)*)"|(?<bare>[^"<>@,;:()\\\\]*)'
const MAILBOX = new RegExp(`^(?:(?<plain>${ADDRESS})|(?:${NAME}) *<(?<angled>${ADDRESS})>)$`)

/** One mail to one mailbox; `to` is `a@b.c` or `"Name" <a@b.c>`. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Hands mails on, at least once: after MailDeferred the mail may have gone out all the same. */
export interface Mailer {
  /**
   * Resolves when the next station has taken the mail.
   * @throws {MailRejected} when sending it again would be in vain.
   * @throws {MailDeferred} when it should be sent again later.
   * @throws the signal's reason, when the signal is aborted.
   */
  send(mail: Mail, signal?: AbortSignal): Promise<void>
  /** Waits for the mails on their way and closes all connections; what is sent later is deferred. */
  close(): Promise<void>
}

/** The mail was refused for good (a 5xx reply, an address that is none). `replyCode` is null when no server was asked. */
export class MailRejected extends Error {
  override readonly name = 'MailRejected'
  readonly replyCode: number | null

  constructor(message: string, replyCode: number | null = null) {
    super(message)
    this.replyCode = replyCode
  }
}

/** The mail was not taken for now: a 4xx reply, a time-out, no connection, wrong credentials, a full queue. */
export class MailDeferred extends Error {
  override readonly name = 'MailDeferred'
  readonly replyCode: number | null

  constructor(message: string, replyCode: number | null = null) {
    super(message)
    this.replyCode = replyCode
  }
}

/** The SMTP URL or the sender's address in the configuration cannot be used; the message never shows the URL. */
export class MailSettingInvalid extends Error {
  override readonly name = 'MailSettingInvalid'
}

/**
 * Sends over SMTP on up to 4 pooled connections.
 * `url` is `smtp://user:password@host:port` (STARTTLS when offered) or `smtps://…` (TLS from the start), with
 * `?requireTLS=true|false` (default: true with credentials, so that nobody can make them travel in plain text by hiding
 * STARTTLS) and `?name=` for the EHLO name. `timeoutMillis` bounds a whole send; `tls` is for private certificates.
 * @throws {MailSettingInvalid} when the URL or `from` is malformed.
 */
export function createSmtpMailer(options: {
  url: string
  from: string
  timeoutMillis: number
  tls?: ConnectionOptions
}): Mailer {
  const { timeoutMillis } = options
  const from = parseSender(options.from)
  const transport = createTransport({ ...smtpSettings(options.url, timeoutMillis), tls: options.tls, pool: true })
  const underway = new Set<Promise<unknown>>()
  return {
    async send(mail, signal) {
      signal?.throwIfAborted()
      const message = composeMail(from, mail)
      if (underway.size >= MAX_WAITING) throw new MailDeferred(`${MAX_WAITING} mails are waiting already`)
      const timeout = AbortSignal.timeout(timeoutMillis)
      const limit = signal ? AbortSignal.any([signal, timeout]) : timeout
      const delivery = transport.sendMail({ ...message, signal: limit })
      underway.add(delivery)
      try {
        await delivery
      } catch (error) {
        signal?.throwIfAborted()
        if (timeout.aborted) throw new MailDeferred(`The mail server took longer than ${timeoutMillis} ms`)
        throw smtpFailure(error)
      } finally {
        underway.delete(delivery)
      }
    },
    async close() {
      transport.close()
      await Promise.allSettled(underway)
    },
  }
}

/** Parses the configured sender. @throws {MailSettingInvalid} when it is not exactly one mailbox. */
export function parseSender(from: string): Mailbox {
  const mailbox = parseMailbox(from)
  if (!mailbox) throw new MailSettingInvalid('The sender of mails is not exactly one mailbox')
  return mailbox
}

/** Makes nodemailer's message of a mail. @throws {MailRejected} when `to` is not exactly one mailbox. */
export function composeMail(from: Mailbox, mail: Mail): SendMailOptions & { to: Mailbox } {
  const to = parseMailbox(mail.to)
  if (!to) throw new MailRejected('The recipient is not exactly one mailbox')
  return {
    from,
    // An object is not parsed again, so an address cannot turn into two.
    to,
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    // No vacation notes in answer (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/** A parsed mail address; the name may be empty. */
export interface Mailbox {
  readonly name: string
  readonly address: string
}

function parseMailbox(text: string): Mailbox | null {
  // A line break would end the header, or an SMTP command; 1,000 characters exceed any legal address.
  if (text.length > 1_000 || /\p{Cc}/u.test(text)) return null
  const parts = MAILBOX.exec(text)?.groups
  const address = parts?.plain ?? parts?.angled
  if (!parts || !address) return null
  return { name: parts.quoted?.replace(/\\(.)/g, '$1') ?? parts.bare?.trim() ?? '', address }
}

/** What nodemailer is told for an SMTP URL. @throws {MailSettingInvalid} when it is malformed */
export function smtpSettings(text: string, timeoutMillis: number): SMTPPoolOptions {
  const url = URL.parse(text)
  if (!url?.hostname || !/^smtps?:$/.test(url.protocol)) throw new MailSettingInvalid('The SMTP URL is malformed')
  const secure = url.protocol === 'smtps:'
  const auth = credentials(url)
  let requireTLS = auth !== undefined
  let name: string | undefined
  for (const [key, value] of url.searchParams) {
    if (key === 'requireTLS' && /^(?:true|false)$/.test(value)) requireTLS = value === 'true'
    else if (key === 'name' && /^[\w.[\]:-]+$/.test(value)) name = value
    // Not handed on: nodemailer would take any of its options here, the one that logs credentials too.
    else
      throw new MailSettingInvalid('The SMTP URL has an unknown parameter; requireTLS=true|false and name= are known')
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : secure ? 465 : 587,
    secure,
    requireTLS,
    ...(auth && { auth }),
    ...(name && { name }),
    maxConnections: MAX_CONNECTIONS,
    maxRequeues: 2,
    dnsTimeout: timeoutMillis,
    connectionTimeout: timeoutMillis,
    greetingTimeout: timeoutMillis,
    socketTimeout: timeoutMillis,
    socketCloseTimeout: Math.min(timeoutMillis, 1_000),
    // Before the socket's own time-out, so that an idle connection ends with QUIT.
    idleTimeout: Math.ceil(timeoutMillis / 2),
  }
}

function credentials(url: URL): { user: string; pass: string } | undefined {
  if (!url.username && !url.password) return undefined
  try {
    return { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
  } catch {
    throw new MailSettingInvalid('The credentials in the SMTP URL are not percent-encoded')
  }
}

function smtpFailure(error: unknown): MailRejected | MailDeferred {
  const { code, responseCode, message } = error as { code?: unknown; responseCode?: unknown; message?: unknown }
  const replyCode = typeof responseCode === 'number' ? responseCode : null
  const reason = maskAddresses(redactText(String(message)).slice(0, 1_000)).slice(0, 300)
  // Other codes tell of the connection: a server that turns us away at the door has not judged the mail.
  const judged = code === 'EENVELOPE' || code === 'EMESSAGE'
  // 503 is a session in the wrong state; no reply code at all is nodemailer's own judgement of the mail.
  const permanent = replyCode === null || (replyCode >= 500 && replyCode !== 503 && !OUR_FAULT.has(replyCode))
  return judged && permanent ? new MailRejected(reason, replyCode) : new MailDeferred(reason, replyCode)
}

/** Masks every mail address in a text: `bob@example.org` becomes `b***@example.org`. */
export function maskAddresses(text: string): string {
  return text.replace(/([^\s@<>"',;:()])[^\s@<>"',;:()]*@/gu, '$1***@')
}
