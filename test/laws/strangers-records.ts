import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { encodeGlobalId } from '../../src/graphql/ids.ts'
import { plainMail } from '../kit/mail-files.ts'
import type { TestServer } from '../kit/server.ts'

// Where a server keeps what it was told: its tables, its trail, its log, and its files.

/** A row of the audit trail. */
export type TrailRow = Awaited<ReturnType<Trail['news']>>[number]

/** The audit trail as it grows. */
export type Trail = ReturnType<typeof followTrail>

/** Follows the audit trail: each call answers the rows since the last one, oldest first. */
export function followTrail({ app, clock }: TestServer) {
  const seen = new Set<string>()
  let since = new Date(0)
  return {
    news: async () => {
      // Rows of one instant may be told by two calls: by time a second early, by id only once.
      const from = new Date(since.getTime() - 1_000)
      since = clock.now()
      const rows = await app.platform.database.unscoped
        .selectFrom('audit_event')
        .selectAll()
        .where('at', '>=', from)
        .orderBy('id')
        .execute()
      const news = rows.filter((row) => !seen.has(row.id))
      for (const { id } of news) seen.add(id)
      return news
    },
  }
}

/** Follows lines that are being written: each call answers those since the last one, in lower case. */
export function followLines(lines: readonly string[]): () => string {
  let read = 0
  return () => {
    const news = lines.slice(read).join('').toLowerCase()
    read = lines.length
    return news
  }
}

/** Follows a folder of mails: each call answers those since the last one, as they would be read. */
export function followMails(folder: string): () => Promise<string[]> {
  const read = new Set<string>()
  return async () => {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.eml') && !read.has(name))
    for (const name of names) read.add(name)
    return Promise.all(names.map(async (name) => plainMail(await readFile(join(folder, name), 'utf8'))))
  }
}

/** Every file below a directory but those of the database, as text by its path. */
export async function filesBelow(directory: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const own = paths.filter((path) => !path.startsWith(join(directory, 'postgres')))
  return new Map(await Promise.all(own.map(async (path) => [path, await readFile(path, 'latin1')] as const)))
}

/**
 * Reads, each time it is called, every row that mentions one of the ids, as its table and its text, but for the trail, which
 * is read by itself, and what the sealer makes of it in its own time. Only versions of rows that are new are compared with the
 * ids: what was found before and is there as it was says what it said.
 */
export function mentioningRows(server: TestServer, uuids: readonly string[]): () => Promise<ReadonlySet<string>> {
  const { unscoped } = server.app.platform.database
  const pattern = mentioning(uuids)
  /** By table, and by the place and the writer of each version. */
  let known = new Map<string, ReadonlyMap<string, string>>()
  let since = '0'
  return async () => {
    const { rows: snapshots } = await sql<{ xmin: string }>`
      select pg_snapshot_xmin(pg_current_snapshot())::text as xmin`.execute(unscoped)
    const tables = await sql<{ name: string }>`
      select table_name as name from information_schema.tables where table_schema = 'public'
        and table_name not in ('audit_event', 'audit_pending', 'audit_seal', 'audit_head') order by 1
    `.execute(unscoped)
    const version = sql`one.ctid::text || one.xmin::text`
    const isNew = sql`one.xmin::text::int8 >= ${since}::int8`
    const selects = tables.rows.map(
      ({ name }) => sql`
        select ${name} as name, ${version} as version,
          case when ${isNew} then ${name} || ' ' || (to_jsonb(one) - 'last_seen_at')::text end as row
        from ${sql.table(name)} as one where case
          when ${isNew} then to_jsonb(one)::text ~ ${pattern}
          else ${version} = any(${[...(known.get(name)?.keys() ?? [])]}::text[]) end
      `,
    )
    const { rows } = await sql<{ name: string; version: string; row: string | null }>`
      ${sql.join(selects, sql` union all `)}`.execute(unscoped)
    const before = known
    const rowOf = (one: (typeof rows)[number]) => one.row ?? before.get(one.name)?.get(one.version) ?? ''
    known = new Map(
      [...Map.groupBy(rows, ({ name }) => name)].map(([name, found]) => [
        name,
        new Map(found.map((one) => [one.version, rowOf(one)])),
      ]),
    )
    since = snapshots[0]?.xmin ?? '0'
    return new Set(rows.map(rowOf).filter((row) => !/^channel_(head|event) .*\/audit"/.test(row)))
  }
}

/** A pattern of every spelling of the ids: as the tables have them, and as a TypeID whatever its prefix. */
export function mentioning(uuids: readonly string[]): string {
  return uuids.flatMap((uuid) => [uuid, encodeGlobalId('X', uuid).slice(2)]).join('|')
}
