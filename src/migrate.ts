import { parseArgs } from 'node:util'
import { type Config, loadConfig, processEnvironment } from './config.ts'
import { entities } from './entities.ts'
import { jobs } from './jobs.ts'
import { installVectorIndex } from './modules/chat/search/vector-index.service.ts'
import { embedderFacts } from './modules/providers/embeddings/embedder.service.ts'
import { openDatabase } from './platform/database/database.ts'
import { migrate } from './platform/database/migrations.ts'
import { openStore } from './platform/database/store.ts'
import { createJobs } from './platform/jobs.ts'
import { createLog, type Log } from './platform/log.ts'
import { refusalOf } from './refusal.ts'

// npm run migrate                  brings the configured database up to date
// npm run migrate:new -- NAME      writes the migration that the entities need
// node src/migrate.ts --check      fails when the entities need one that is not written
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { new: { type: 'boolean' }, check: { type: 'boolean' } },
})
const log = createLog({ level: 'warn' })

await run().catch((error: unknown) => {
  const { text, exitCode } = refusalOf('ocean-graph did not migrate', error)
  process.stderr.write(text)
  process.exitCode = exitCode
})

async function run(): Promise<void> {
  if (values.new === true) return writeMigration(log, positionals[0])
  if (values.check === true) return checkMigrations(log)
  return migrateConfigured(loadConfig(processEnvironment()), log)
}

async function migrateConfigured(config: Config, log: Log): Promise<void> {
  const store = await openStore({
    databaseUrl: config.services?.databaseUrl ?? null,
    directory: config.dataDir,
    entities,
    log,
    onFailure: (error) => log.fatal({ err: error }, 'the embedded database ended'),
  })
  try {
    const applied = await migrate(store.database.orm)
    const { database, embedded } = store
    await createJobs({ pool: database.pool, embedded, jobs, log, scope: noScope }).install()
    await installVectorIndex({ database, embedder: embedderFacts(config.embeddings), embedded, log })
    process.stdout.write(applied.length === 0 ? 'Nothing to migrate.\n' : `Applied:\n  ${applied.join('\n  ')}\n`)
  } finally {
    await store.close()
  }
}

/** Jobs are installed here, not run. */
function noScope(): never {
  throw new Error('No job runs during a migration')
}

async function writeMigration(log: Log, name: string | undefined): Promise<void> {
  await withSnapshot(log, async ({ orm }) => {
    const { fileName } = await orm.migrator.create(undefined, false, false, name)
    process.stdout.write(
      fileName === '' ? 'The entities need no migration.\n' : `Wrote schema/migrations/${fileName}\n`,
    )
  })
}

async function checkMigrations(log: Log): Promise<void> {
  await withSnapshot(log, async ({ orm }) => {
    if (await orm.migrator.checkSchema())
      throw new Error('The entities differ from the migrations. Run: npm run migrate:new')
    process.stdout.write('The migrations match the entities.\n')
  })
}

/** Both compare the entities with the snapshot beside the migrations, so no database is reached. */
async function withSnapshot(
  log: Log,
  work: (database: ReturnType<typeof openDatabase>) => Promise<void>,
): Promise<void> {
  const database = openDatabase({ connection: { host: '127.0.0.1', database: 'none' }, poolMax: 1, entities, log })
  try {
    await work(database)
  } finally {
    await database.close()
  }
}
