import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { MikroORM, Options } from '@mikro-orm/postgresql'

/** The database lacks migrations this code has. */
export class MigrationsPending extends Error {
  constructor(count: number) {
    super(`The database lacks ${count} migration(s) of this version. Run: npm run migrate`)
  }
}

/** The database has migrations this code does not know: it was used by a newer version. */
export class DatabaseIsNewer extends Error {
  constructor() {
    super('The database was migrated by a newer version of ocean-graph. Start that version instead.')
  }
}

const TABLE = 'migration'
const directory = fileURLToPath(new URL('../../../schema/migrations', import.meta.url))

/** Where migrations are and how they are written. */
export const migrationsOptions: NonNullable<Options['migrations']> = {
  path: directory,
  glob: '!(*.d).ts',
  emit: 'ts',
  snapshotName: 'snapshot',
  snapshotOnMigrate: false,
  tableName: TABLE,
  disableForeignKeys: false,
  silent: true,
}

/** Brings the database up to this code. @throws {DatabaseIsNewer} */
export async function migrate(orm: MikroORM): Promise<readonly string[]> {
  await refuseNewer(orm)
  const applied = await orm.migrator.up()
  return applied.map((migration) => migration.name)
}

/** Passes when the database is exactly what this code expects, and writes nothing. @throws {MigrationsPending | DatabaseIsNewer} */
export async function assertMigrated(orm: MikroORM): Promise<void> {
  // Looked at first: MikroORM creates its table when asked what is pending, and a refusal must leave no trace.
  const known = orm.em
    .getConnection()
    .execute<{ name: string | null }[]>(`select to_regclass('${TABLE}')::text as name`)
  if ((await known)[0]?.name === null) throw new MigrationsPending(knownMigrations().size)
  await refuseNewer(orm)
  const pending = await orm.migrator.getPending()
  if (pending.length > 0) throw new MigrationsPending(pending.length)
}

async function refuseNewer(orm: MikroORM): Promise<void> {
  const known = knownMigrations()
  const executed = await orm.migrator.getExecuted()
  if (executed.some((migration) => !known.has(migration.name))) throw new DatabaseIsNewer()
}

function knownMigrations(): ReadonlySet<string> {
  const scripts = readdirSync(directory).filter((file) => file.endsWith('.ts'))
  return new Set(scripts.map((file) => file.replace(/\.ts$/, '')))
}
