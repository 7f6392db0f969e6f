import { createHash, randomBytes } from 'node:crypto'
import { type AccountLine, accountLineReader, type LineFault } from '../../../lib/account-line.ts'
import { linesOf } from '../../../lib/lines.ts'
import { personalWorkspace } from '../../../lib/personal-workspace.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Platform } from '../../../platform/context.ts'
import type { Transaction } from '../../../platform/database/transact.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { auditEach } from '../../audit/audit.service.ts'

/** Why nothing was imported. */
export interface ImportFault extends LineFault {
  /** From 1; null where it is not known which line it was. */
  readonly line: number | null
}

/** What became of a file: either `imported` or `faults` has something to say, never both. */
export interface ImportReport {
  readonly imported: number
  /** Lines whose address has an account already; it is left as it is. */
  readonly skipped: readonly { readonly line: number; readonly email: string }[]
  /** The first 100. */
  readonly faults: readonly ImportFault[]
  readonly faultCount: number
}

/** The file is not the one that was checked; nothing of it was imported. */
export class FileChanged extends Error {
  constructor() {
    super('The file changed while it was read. Nothing was imported.')
  }
}

const MAX_LINES = 1_000_000
const MAX_LINE_BYTES = 16 * 1024
const MAX_FAULTS_LISTED = 100
const ROWS_A_STATEMENT = 500

interface Entry {
  readonly line: number
  readonly account: AccountLine
  readonly emailKey: string
  readonly usernameKey: string | null
}
type Sql = Transaction['unscoped']
type Report = (fault: ImportFault) => void

/**
 * Makes an account, with a personal organization, of each line of a file: all of them in one transaction, or none when any
 * line is at fault. `open` is called twice, since the whole file is checked before anything is written.
 * @throws {FileChanged} when the second reading differs from the first; whatever `open` throws
 */
export async function importUsers(
  { database, clock }: Pick<Platform, 'database' | 'clock'>,
  open: () => AsyncIterable<Uint8Array>,
): Promise<ImportReport> {
  const now = clock.now()
  const { skipped, faults, faultCount, digest } = await checkFile(database.unscoped, open(), now)
  if (faultCount > 0) return { imported: 0, skipped, faults, faultCount }
  try {
    const known = new Set(skipped.map(({ email }) => email.toLowerCase()))
    const imported = await database.unscoped
      .transaction()
      .execute((unscoped) => insertFile({ unscoped, now }, open(), known, digest))
    return { imported, skipped, faults: [], faultCount: 0 }
  } catch (error) {
    return { imported: 0, skipped, faults: [takenMeanwhile(error)], faultCount: 1 }
  }
}

async function checkFile(sql: Sql, chunks: AsyncIterable<Uint8Array>, now: Date) {
  const faults: ImportFault[] = []
  let faultCount = 0
  const report: Report = (fault) => {
    faultCount += 1
    if (faults.length < MAX_FAULTS_LISTED) faults.push(fault)
  }
  const skipped: { line: number; email: string }[] = []
  const noteRepeats = repeatsReporter(report)
  const hash = createHash('sha256')
  for await (const batch of batchesOf(entriesOf(hashed(chunks, hash), now, report))) {
    for (const entry of batch) noteRepeats(entry)
    const known = await addressesOf(sql, batch)
    const [old, fresh] = [batch.filter(isIn(known)), batch.filter((entry) => !isIn(known)(entry))]
    skipped.push(...old.map(({ line, account }) => ({ line, email: account.email })))
    await reportTakenNames(sql, fresh, report)
  }
  // A batch is asked about after its lines were read.
  faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
  return { skipped, faults, faultCount, digest: hash.digest('hex') }
}

function isIn(addresses: ReadonlySet<string>): (entry: Entry) => boolean {
  return ({ emailKey }) => addresses.has(emailKey)
}

/** Tells of every address and username that stood on an earlier line. */
function repeatsReporter(report: Report): (entry: Entry) => void {
  const seen = { email: new Map<string, number>(), username: new Map<string, number>() }
  return ({ line, emailKey, usernameKey }) => {
    for (const [path, key] of [
      ['email', emailKey],
      ['username', usernameKey],
    ] as const) {
      if (key === null) continue
      const first = seen[path].get(key)
      if (first === undefined) seen[path].set(key, line)
      else report({ line, path, message: `is on line ${first} already` })
    }
  }
}

async function addressesOf(sql: Sql, batch: readonly Entry[]): Promise<ReadonlySet<string>> {
  const keys = batch.map(({ emailKey }) => emailKey)
  const rows = await sql.selectFrom('user').select('email_key').where('email_key', 'in', keys).execute()
  return new Set(rows.map((row) => row.email_key))
}

async function reportTakenNames(sql: Sql, batch: readonly Entry[], report: Report): Promise<void> {
  const keys = batch.flatMap(({ usernameKey }) => usernameKey ?? [])
  if (keys.length === 0) return
  const rows = await sql.selectFrom('user').select('username_key').where('username_key', 'in', keys).execute()
  const taken = new Set(rows.map((row) => row.username_key))
  for (const { line, usernameKey } of batch) {
    if (usernameKey !== null && taken.has(usernameKey)) report({ line, path: 'username', message: 'is taken' })
  }
}

async function insertFile(
  tx: Pick<Transaction, 'unscoped' | 'now'>,
  chunks: AsyncIterable<Uint8Array>,
  known: ReadonlySet<string>,
  digest: string,
): Promise<number> {
  const hash = createHash('sha256')
  const requestId = newUuid(tx.now)
  const entries = entriesOf(hashed(chunks, hash), tx.now, () => {
    throw new FileChanged()
  })
  let imported = 0
  for await (const batch of batchesOf(entries)) {
    const fresh = batch.filter((entry) => !isIn(known)(entry))
    if (fresh.length > 0) await insertAccounts(tx, fresh, requestId)
    imported += fresh.length
  }
  if (hash.digest('hex') !== digest) throw new FileChanged()
  return imported
}

async function insertAccounts(
  tx: Pick<Transaction, 'unscoped' | 'now'>,
  entries: readonly Entry[],
  requestId: string,
): Promise<void> {
  const { unscoped, now } = tx
  const rows = entries.map((entry) => rowsOf(entry, now))
  await unscoped
    .insertInto('user')
    .values(rows.map(({ user }) => user))
    .execute()
  await unscoped
    .insertInto('organization')
    .values(rows.map(({ organization }) => organization))
    .execute()
  await unscoped
    .insertInto('membership')
    .values(rows.map(({ membership }) => membership))
    .execute()
  await auditEach(
    { viewer: { kind: 'anonymous', reason: null }, request: { id: requestId, address: null, userAgent: null } },
    tx,
    rows.map(({ user, organization }) => ({
      action: 'user.import',
      target: encodeTypeId('user', user.id),
      as: { userId: null, organizationId: organization.id },
    })),
  )
}

/** The rows that a registration makes, but for what the file knows better. */
function rowsOf({ account, emailKey, usernameKey }: Entry, now: Date) {
  const [userId, organizationId] = [newUuid(now), newUuid(now)]
  const user = {
    id: userId,
    email: account.email,
    email_key: emailKey,
    username: account.username,
    username_key: usernameKey,
    display_name: account.displayName,
    avatar_url: null,
    password_hash: account.passwordHash,
    email_verified_at: account.emailVerifiedAt,
    preferences: {},
    access_epoch: 0,
    created_at: account.createdAt ?? now,
    updated_at: now,
    deleted_at: null,
  }
  const organization = {
    id: organizationId,
    ...personalWorkspace(account.displayName, randomBytes(5).toString('hex')),
    settings: {},
    agent_trust_limit: 'WRITE' as const,
    access_epoch: 0,
    created_at: now,
    deleted_at: null,
  }
  const membership = {
    id: newUuid(now),
    organization_id: organizationId,
    user_id: userId,
    role: 'OWNER' as const,
    joined_at: now,
  }
  return { user, organization, membership }
}

/** Somebody registered between the check and the insert. @throws any other error */
function takenMeanwhile(error: unknown): ImportFault {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown }
  // unique_violation of PostgreSQL, appendix A
  if (code !== '23505') throw error
  const path = ['email', 'username'].find((name) => String(constraint).includes(name)) ?? ''
  return { line: null, path, message: 'was taken while the file was imported. Import it again.' }
}

async function* entriesOf(chunks: AsyncIterable<Uint8Array>, now: Date, report: Report): AsyncGenerator<Entry, void> {
  const read = accountLineReader(now)
  for await (const { number: line, text } of linesOf(chunks, MAX_LINE_BYTES)) {
    if (line > MAX_LINES) {
      report({ line, path: '', message: 'is one more than the 1,000,000 of one file' })
      return
    }
    if (text === null) report({ line, path: '', message: 'is longer than 16 KiB, or not UTF-8' })
    if (text === null || text.trim() === '') continue
    const result = read(text)
    if ('account' in result) yield { line, account: result.account, ...keysOf(result.account) }
    else for (const fault of result.faults) report({ line, ...fault })
  }
}

function keysOf({ email, username }: AccountLine) {
  return { emailKey: email.toLowerCase(), usernameKey: username?.toLowerCase() ?? null }
}

async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: { update(chunk: Uint8Array): unknown }) {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}

async function* batchesOf(entries: AsyncIterable<Entry>): AsyncGenerator<readonly Entry[], void> {
  let batch: Entry[] = []
  for await (const entry of entries) {
    batch.push(entry)
    if (batch.length < ROWS_A_STATEMENT) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
